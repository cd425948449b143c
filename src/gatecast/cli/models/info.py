"""``gatecast info``: versions, devices, and what a model file holds."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gatecast
from gatecast.cli.options import Json
from gatecast.cli.printing import Screen
from gatecast.cli.sections import show_blend
from gatecast.nn import kernels

__all__ = ["info"]

LIBRARIES = ("torch", "numpy", "polars", "narwhals", "safetensors", "cyclopts", "matplotlib")

# What people want to know of a model file; --json gives everything.
ABOUT_MODEL = (
    "model",
    "bytes",
    "gatecast",
    "kind",
    "column",
    "groups",
    "plan",
    "horizon",
    "trained",
    "targets",
    "past",
    "future",
    "static",
    "step",
    "parameters",
    "live",
    "series",
    "steps",
    "record",
)


def info(model: Path | None = None, /, *, json: Json = False) -> int:
    """Say which versions and devices are there, or what a model file holds.

    Args:
        model: A model file.
        json: Print one JSON object.
    """
    screen = Screen(json)
    screen.result = {"command": "info"} | (_machine() if model is None else _model(model))
    for key, value in screen.result.items():
        if key == "kernels":
            screen.labelled(key, _kernels_in_words(value), 14)
        elif key == "plan" and show_blend(screen, screen.result["blend"], key, 14):
            continue
        elif key == "groups":
            _show_groups(screen, value)
        elif key in ABOUT_MODEL or (model is None and key != "command"):
            _show(screen, key, value)
    return screen.finish()


def _machine() -> dict[str, Any]:
    """Versions, devices, threads."""
    import torch

    from gatecast.data.examples.datasets import EXAMPLES
    from gatecast.training.device import pick_device

    return {
        "gatecast": gatecast.__version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in LIBRARIES},
        "device": str(pick_device("auto")),
        "threads": torch.get_num_threads(),
        "kernels": _kernels(),
        "examples": list(EXAMPLES),
    }


def _kernels() -> dict[str, Any]:
    """The instruction set in use, all that this machine can run, and why there is none."""
    extension = kernels.load()
    if extension is None:
        return {"variant": None, "variants": [], "reason": kernels.reason()}
    return {"variant": extension.variant(), "variants": list(extension.variants()), "reason": None}


def _kernels_in_words(found: dict[str, Any]) -> str:
    """One line.

    >>> _kernels_in_words({"variant": "avx512", "variants": ["avx512", "avx2", "portable"], "reason": None})
    'avx512 (also avx2, portable)'
    >>> _kernels_in_words({"variant": None, "variants": [], "reason": "not built (install a compiler)"})
    "not built (install a compiler); torch's nn.LSTM serves"
    """
    if found["variant"] is None:
        return f"{found['reason']}; torch's nn.LSTM serves"
    others = [name for name in found["variants"] if name != found["variant"]]
    return f"{found['variant']} (also {', '.join(others)})" if others else f"{found['variant']}"


def _model(path: Path) -> dict[str, Any]:
    from gatecast.live.kept import kept_of_document
    from gatecast.storage.files import describe_file, document_in
    from gatecast.storage.groups import GROUPS

    told = describe_file(path)
    if told["kind"] == GROUPS:
        return {"model": str(path), **told}
    return {"model": str(path), **told, "live": kept_of_document(document_in(path)).why}


def _show_groups(screen: Screen, groups: list[dict[str, Any]]) -> None:
    """A line for each group: how it did, and what forecasts it."""
    for one in groups:
        outcome = "no verdict" if one["judgement"] is None else one["judgement"]["outcome"]
        told = f"{one['name']}: {outcome} · {one['record']['series']:,} series · {one['plan']}"
        screen.labelled("group", told, 14)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _show(screen: Screen, key: str, value: Any) -> None:
    """One line per fact; nothing for an empty one."""
    if isinstance(value, dict):
        value = [f"{name} {item}" for name, item in value.items() if not isinstance(item, list)]
    if isinstance(value, list | tuple):
        value = ", ".join(_in_words(item) for item in value)
    screen.labelled(key, str(value), 14)


def _in_words(item: Any) -> str:
    """A covariate with its categories; anything else as it is."""
    if not isinstance(item, dict):
        return str(item)
    return f"{item['name']} ({', '.join(item['categories'])})" if item.get("categories") else str(item.get("name"))
