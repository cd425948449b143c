"""``gatecast info``: versions, devices, and what a model file holds."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gatecast
from gatecast.cli.options import Json
from gatecast.cli.printing import Screen

__all__ = ["info"]

LIBRARIES = ("torch", "numpy", "polars", "narwhals", "safetensors", "cyclopts", "matplotlib")


def info(model: Path | None = None, /, *, json: Json = False) -> int:
    """Say which versions and devices are there, or what a model file holds.

    Args:
        model: A model file.
        json: Print one JSON object.
    """
    screen = Screen(json)
    screen.result = {"command": "info"} | (_machine() if model is None else _model(model))
    for key, value in screen.result.items():
        if key != "command":
            _show(screen, key, value)
    screen.close()
    return 0


def _machine() -> dict[str, Any]:
    """Versions, devices, threads."""
    import torch

    from gatecast.data.datasets import EXAMPLES
    from gatecast.training.device import pick_device

    return {
        "gatecast": gatecast.__version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in LIBRARIES},
        "device": str(pick_device("auto")),
        "threads": torch.get_num_threads(),
        "examples": list(EXAMPLES),
    }


def _model(path: Path) -> dict[str, Any]:
    from gatecast.files import describe_file

    return {"model": str(path), **describe_file(path)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _show(screen: Screen, key: str, value: Any, indent: str = "") -> None:
    """One line per fact; nested facts below their name."""
    if isinstance(value, dict):
        screen.line(f"{indent}{key}")
        for name, item in value.items():
            _show(screen, str(name), item, indent + "  ")
        return
    if isinstance(value, list | tuple):
        value = ", ".join(str(item) for item in value)
    screen.labelled(f"{indent}{key}", str(value), 14)
