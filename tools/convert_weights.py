"""The command `tf-facerecon convert-weights`, run from a checkout."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["convert-weights", *sys.argv[1:]]))
