"""The command `tf-facerecon efid`, for use without installing the package."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["efid", *sys.argv[1:]]))
