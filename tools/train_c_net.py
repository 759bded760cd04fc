"""The command `tf-facerecon train-c-net`, run from a checkout."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train-c-net", *sys.argv[1:]]))
