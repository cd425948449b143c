"""``gatecast export``: a saved model as an ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from gatecast.cli.files import require_writable
from gatecast.cli.models.groups import one_model
from gatecast.cli.options import MODEL, Json
from gatecast.cli.printing import Screen

__all__ = ["export"]

SHOWN = {"history": "reads", "horizon": "horizon", "quantiles": "quantiles", "targets": "targets", "bounds": "bounds"}


def export(
    model: Path,
    file: Path,
    /,
    *,
    part: Annotated[Literal["all", "networks"], Parameter(group=MODEL)] = "all",
    bounds: Annotated[str | None, Parameter(group=MODEL)] = None,
    json: Json = False,
) -> int:
    """Write a saved model as an ONNX graph, which runs without Gatecast.

    Args:
        model: A file that gatecast fit or forecast --save wrote.
        file: File for the graph, such as sales.onnx.
        part: "networks" leaves out experts of the blend that were not trained.
        bounds: Range of the forecasts in place of that of the model: none, 0.., or 0..1.
        json: Print one JSON object.
    """
    require_writable(file, (".onnx",), "FILE")
    from gatecast.export.forecast import export as write

    told = write(one_model(model, "export").fitted_, file, part, bounds)
    screen = Screen(json)
    for name, label in SHOWN.items():
        screen.labelled(label, f"{told[name]} steps" if name == "history" else _in_words(told[name]))
    screen.files([file])
    screen.result = {"command": "export", "model": str(model), "graph": told, "files": [file]}
    return screen.finish()


def _in_words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
