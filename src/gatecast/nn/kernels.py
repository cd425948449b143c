"""The compiled kernels, ``gatecast._kernels``: found here, once; without them torch's ``nn.LSTM`` serves.

The environment variable ``GATECAST_KERNELS`` picks an instruction set (``avx2``, ``portable`` ...), or switches the
kernels off (``off``). It is read when the kernels are first asked for.
"""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType

from gatecast.errors import ConfigError

__all__ = ["load", "reason"]


def load() -> ModuleType | None:
    """The extension, or None where it is not there or is switched off. ``_kernels.pyi`` says what it offers.

    Raises:
        ConfigError: ``GATECAST_KERNELS`` names an instruction set that this machine cannot run.
    """
    return _found()[0]


def reason() -> str:
    """Why ``load()`` gives None, with the remedy; empty where it gives the extension."""
    return _found()[1]


@cache
def _found() -> tuple[ModuleType | None, str]:
    wanted = os.environ.get("GATECAST_KERNELS", "").strip()
    if wanted.lower() == "off":
        return None, "switched off (GATECAST_KERNELS=off)"
    try:
        import gatecast._kernels as extension
    except ModuleNotFoundError as error:
        if error.name != "gatecast._kernels":
            raise
        return None, "not built (install a C++ compiler and reinstall)"
    except ImportError as error:
        return None, f"cannot be loaded: {' '.join(str(error).split())}"
    if wanted:
        _use(extension, wanted)
    return extension, ""


def _use(extension: ModuleType, wanted: str) -> None:
    known = extension.variants()
    if wanted not in known:
        raise ConfigError(f"GATECAST_KERNELS={wanted}: this machine can run {', '.join(known)}; off means torch's LSTM")
    extension.use(wanted)
