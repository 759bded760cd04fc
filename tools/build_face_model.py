"""The command `tf-facerecon build-face-model`, run from a checkout."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["build-face-model", *sys.argv[1:]]))
