"""What commands on the suite share: where the data lie, numbers of the defaults, and one set measured."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.accuracy.sets import DataError, data_folder, require_folder
from benchmarks.speed.options import progress
from benchmarks.suite.scoring import Score, run
from benchmarks.suite.tasks import tasks

__all__ = ["folder_of", "numbers_of", "scores_of"]


def folder_of(parser: argparse.ArgumentParser) -> Path:
    """The folder of the data; ends the command where there is none."""
    folder = data_folder()
    try:
        require_folder(folder)
    except DataError as error:
        parser.error(str(error))
    return folder


def numbers_of(pairs: Iterable[str]) -> dict[str, Any]:
    """Numbers of the defaults from what was typed.

    >>> numbers_of(["weights.untrained=0.5", "variants.depths=[2, 3]"])
    {'weights.untrained': 0.5, 'variants.depths': [2, 3]}
    """
    return {path: json.loads(value) for path, value in (pair.split("=", 1) for pair in pairs)}


def scores_of(name: str, folder: Path, settings: Mapping[str, Any], what: str = "") -> list[Score]:
    """The scores of a set's tasks, one after the other; ``what`` is told beside them."""
    found = []
    for task in tasks([name], folder):
        progress(f"{name}{what}: {task.name}")
        found.append(run(task, settings))
    return found
