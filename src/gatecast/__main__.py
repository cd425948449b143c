"""``python -m gatecast`` is the command ``gatecast``."""

from __future__ import annotations

import sys

from gatecast.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
