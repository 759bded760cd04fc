"""The command `tf-facerecon train-identity-network`, run from a checkout."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train-identity-network", *sys.argv[1:]]))
