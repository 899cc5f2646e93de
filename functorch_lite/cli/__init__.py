"""The command line. One file a command, chosen in ``_main.py``."""

from ._main import main as main
