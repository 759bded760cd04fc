"""The command `tf-facerecon train`, for use without installing the package."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
