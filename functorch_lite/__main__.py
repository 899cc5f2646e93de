"""``python -m functorch_lite``: the command line, which is :mod:`functorch_lite.cli`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
