"""The command `tf-facerecon show-face-model`, for use without installing the package."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["show-face-model", *sys.argv[1:]]))
