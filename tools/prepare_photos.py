"""The command `tf-facerecon prepare-photos`, run from a checkout."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["prepare-photos", *sys.argv[1:]]))
