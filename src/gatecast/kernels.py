"""The compiled kernels, ``gatecast._kernels``: found here, once; without them torch's ``nn.LSTM`` serves.

The environment variable ``GATECAST_KERNELS`` picks an instruction set (``avx2``, ``portable`` ...), or switches the
kernels off (``off``). It is read when the kernels are first asked for.
"""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType

__all__ = ["load", "reason"]


def load() -> ModuleType | None:
    """The extension, or None where it is not there or is switched off. ``_kernels.pyi`` says what it offers."""
    return _found()[0]


def reason() -> str:
    """Why ``load()`` gives None, with the remedy; empty where it gives the extension."""
    return _found()[1]


@cache
def _found() -> tuple[ModuleType | None, str]:
    if os.environ.get("GATECAST_KERNELS", "").strip().lower() == "off":
        return None, "switched off (GATECAST_KERNELS=off)"
    try:
        import gatecast._kernels as extension
    except ModuleNotFoundError as error:
        if error.name != "gatecast._kernels":
            raise
        return None, "not built (install a C++ compiler and reinstall)"
    except ImportError as error:
        return None, f"cannot be loaded: {' '.join(str(error).split())}"
    return extension, ""
