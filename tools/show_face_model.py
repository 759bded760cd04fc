"""The command `tf-facerecon show-face-model`, run from a checkout."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["show-face-model", *sys.argv[1:]]))
