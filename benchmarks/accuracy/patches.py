"""Pieces of the default procedure that no setting switches off: what to change inside a fit's own process.

Each patch names the constant or function that it replaces, so that a rename is seen at once.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from operator import attrgetter
from typing import Any
from unittest import mock

import numpy as np

from gatecast import kernels

__all__ = ["PATCHES", "TORCH", "Patch", "apply", "environment", "target"]

BLEND, CHOOSE, ENSEMBLE = "gatecast.training.blend", "gatecast.selection.choose", "gatecast.training.ensemble"
TORCH = ("torch", "equal-levels")  # the compiled kernels have the weight of the levels built in
Function = Callable[..., Any]
Patch = tuple[str, str, Callable[[Any], Any]]  # module, name in it, from what is there to what takes its place


def apply(name: str) -> None:
    """Change this process, before its first fit.

    Raises:
        KeyError: there is no such patch.
        AttributeError: what it replaces is not there.
        RuntimeError: the patch is for torch, and the kernels are loaded.
    """
    if name in TORCH and kernels.load() is not None:
        raise RuntimeError(f"patch {name}: the kernels are loaded; start the process in environment({name!r}).")
    if PATCHES[name] is not None:
        owner, attribute, change = target(name)
        setattr(owner, attribute, change(getattr(owner, attribute)))


def environment(name: str) -> AbstractContextManager[Any]:
    """While it lasts, processes start as a patch needs them: the kernels are looked for by the first import."""
    return mock.patch.dict(os.environ, {"GATECAST_KERNELS": "off"} if name in TORCH else {})


def target(name: str) -> tuple[Any, str, Callable[[Any], Any]]:
    """The module or class that holds what a patch replaces, its name there, and the change."""
    patch = PATCHES[name]
    if patch is None:
        raise KeyError(f"{name} replaces nothing.")
    module, path, change = patch
    *outer, attribute = path.split(".")
    owner: Any = importlib.import_module(module)
    return (attrgetter(".".join(outer))(owner) if outer else owner), attribute, change


def constant(value: float) -> Callable[[Any], float]:
    """Whatever is there becomes this number."""
    return lambda _: value


def keeping(wanted: Callable[[Any], bool]) -> Callable[[Function], Function]:
    """Of the list that a function gives only what is wanted."""
    return lambda function: lambda *given: [one for one in function(*given) if wanted(one)]


def believing(belief: float) -> Callable[[Function], Function]:
    """Shares by what was measured on the tail alone (1), or as if nothing had been measured there (0)."""
    return lambda shares: lambda error_KBHC, weight_B, _, *rest: shares(error_KBHC, weight_B, belief, *rest)


def without_smoothing(shares: Function) -> Function:
    """Shares of the structures alone: the smoothing, which comes last, is infinitely bad."""

    def changed(error_KBHC: np.ndarray, *rest: Any) -> Any:
        return shares(np.concatenate([error_KBHC[:-1], np.full_like(error_KBHC[-1:], np.inf)]), *rest)

    return changed


PATCHES: dict[str, Patch | None] = {
    "common-weights": (BLEND, "sharpness", lambda _: lambda spans_N: np.zeros(len(spans_N))),
    "no-smoothing": (BLEND, "shares", without_smoothing),
    "tail-alone": (BLEND, "shares", believing(1.0)),
    "tail-ignored": (BLEND, "shares", believing(0.0)),
    "no-smooth-base": (CHOOSE, "scalings_to_try", keeping(lambda scaling: scaling.base != "smooth")),
    "no-twins": (BLEND, "twins_of", lambda _: lambda scalings: np.arange(len(scalings))),
    "no-logarithms": (CHOOSE, "scalings_to_try", keeping(lambda scaling: not scaling.log)),
    "no-variants": (CHOOSE, "best_variant", lambda _: lambda panel, scaling, *rest: scaling),
    "best-epoch": (ENSEMBLE, "AS_GOOD", constant(0.0)),
    "one-year-wave": (CHOOSE, "year_waves_within", lambda _: lambda panel: 1),
    "one-tail": (BLEND, "tails_of", lambda _: lambda panel: 1),
    "torch": None,
    "equal-levels": ("gatecast.model.heads", "SIDE_WEIGHT", constant(1.0)),
}
