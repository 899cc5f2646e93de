"""What ``import torch`` finds first under ``run``: it puts functorch_lite.torch in its own place.

The folder above this one comes first on ``sys.path`` and in ``PYTHONPATH``, so a child process
that was told nothing else arrives here too; the ``dist-info`` beside this package answers
``importlib.metadata``. The package is found from here even where it was never installed.
"""

import sys
from pathlib import Path

if (root := str(Path(__file__).resolve().parents[4])) not in sys.path:
    sys.path.append(root)

from functorch_lite.torch._install import install

install()
