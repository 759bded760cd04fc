"""The command `tf-facerecon demo`, run from a checkout."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["demo", *sys.argv[1:]]))
