"""`python -m tf_facerecon` is the command `tf-facerecon`."""

import sys

from tf_facerecon.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
