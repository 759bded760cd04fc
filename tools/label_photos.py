"""The command `tf-facerecon label-photos`, run from a checkout."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["label-photos", *sys.argv[1:]]))
