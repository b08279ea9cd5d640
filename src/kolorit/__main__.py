"""``python -m kolorit`` is the same as ``kolorit``."""

from __future__ import annotations

import sys

from kolorit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
