"""An uploaded table as a panel, and what can be said of it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.tables.reading import read
from gatecast.data.tables.roles.overview import look_at
from gatecast.data.tables.shapes.sources import Layout, Table, load
from gatecast.errors import PanelError
from gatecast.planning.horizon import default_horizon
from gatecast.planning.typed import typed_reading
from gatecast.serving.jobs.requests import ReadOptions
from gatecast.serving.jobs.unpacked import require_size
from gatecast.serving.models.coming import columns_ahead, coming_rows
from gatecast.workflow import data_facts

__all__ = ["Upload", "as_command", "as_python", "as_python_update", "look"]

HEAD, SERIES = 20, 500  # rows and series that a look shows


@dataclass(frozen=True)
class Upload:
    """A table in a file.

    Args:
        path: of the file.
        shown: its name at the client, for messages alone.
        unpacked, rows: most bytes and rows.
    """

    path: Path
    shown: str
    unpacked: int
    rows: int

    def table(self, options: ReadOptions) -> Table:
        """The table in the file. Raises PanelError where it is too large, or none is found."""
        require_size(self.path, self.unpacked, self.rows)
        table = load(str(self.path), Layout(options.skip, options.header))
        if table.frame.height > self.rows:
            raise PanelError(f"the table has {table.frame.height:,} rows; the limit is {self.rows:,}.")
        return replace(table, file=self.shown)

    def panel(self, options: ReadOptions) -> Panel:
        """Its rows as a panel."""
        return read(self.table(options), **options.arguments())


def look(upload: Upload, options: ReadOptions, horizon: int | None = None) -> dict[str, Any]:
    """What is read of a table: columns, series, what is odd, what is wrong, and the same as a command.

    Args:
        upload: the table.
        options: how it is read.
        horizon: steps of which the rows to come are told; None = the one that is chosen where none is given.
    """
    table = upload.table(options)
    found = look_at(table, **options.arguments())
    told = found.to_dict()
    panel, problem = found.panel, told["problem"]
    head = table.frame.head(HEAD)
    told |= {
        "head": {
            name: [None if cell is None else str(cell)[:60] for cell in head[name].to_list()] for name in head.columns
        },
        "data": None if panel is None else data_facts(panel),
        "horizon": None if panel is None else default_horizon(panel),
        "series": [] if panel is None else _series(panel),
        "future_needed": [] if panel is None else columns_ahead(panel),
        "coming": None if panel is None else _coming(panel, horizon),
        "command": as_command("forecast", upload.shown, options),
        "python": as_python(upload.shown, options),
        "problem": problem,
    }
    return told


def _series(panel: Panel) -> list[dict[str, Any]]:
    last_N = panel.frequency.advance(panel.starts, panel.length - 1)
    label = panel.time_label
    return [
        {
            "series": name,
            "rows": int(panel.length[n]),
            "begin": label(panel.starts[n]),
            "end": label(last_N[n]),
            "missing": int(np.isnan(panel.series(n)).sum()),
        }
        for n, name in enumerate(panel.ids[:SERIES])
    ]


def _coming(panel: Panel, horizon: int | None) -> dict[str, Any] | None:
    """The rows to come; None for a panel that has nothing to continue."""
    try:
        return coming_rows(panel, horizon or default_horizon(panel))
    except PanelError:
        return None


def as_command(verb: str, file: str, options: ReadOptions, *more: str, table: str | None = None) -> str:
    """The same on the command line; where ``file`` is a model, ``table`` comes after it.

    >>> as_command("forecast", "sales.csv", ReadOptions(target=["units"], gaps="zero"), "--horizon", "12")
    'gatecast forecast sales.csv --target units --gaps zero --horizon 12'
    """
    words = ["gatecast", verb, file, *([] if table is None else [table])]
    return shlex.join([*words, *typed_reading(options.model_dump(exclude_defaults=True)), *more])


def as_python(
    file: str, options: ReadOptions, horizon: int | None = None, *, query: str | None = None, **settings: Any
) -> str:
    """The same in Python.

    >>> print(as_python("sales.csv", ReadOptions(target=["units"]), 12))
    import gatecast as gc
    <BLANKLINE>
    panel = gc.read('sales.csv', target=['units'])
    result = gc.forecast(panel, horizon=12)
    print(result)
    """
    made = ["panel", *([] if horizon is None else [f"horizon={horizon}"]), *(f"{k}={v!r}" for k, v in settings.items())]
    return (
        f"import gatecast as gc\n\npanel = {_reading(file, options, query)}\n"
        f"result = gc.forecast({', '.join(made)})\nprint(result)"
    )


def as_python_update(model: str, file: str, options: ReadOptions, *, query: str | None = None) -> str:
    """An update in Python.

    >>> print(as_python_update("m.gatecast", "sales.csv", ReadOptions(target=["units"])))
    import gatecast as gc
    <BLANKLINE>
    panel = gc.read('sales.csv', target=['units'])
    made = gc.update(gc.load('m.gatecast'), panel)
    print(made)
    """
    return (
        f"import gatecast as gc\n\npanel = {_reading(file, options, query)}\n"
        f"made = gc.update(gc.load({model!r}), panel)\nprint(made)"
    )


def _reading(file: str, options: ReadOptions, query: str | None) -> str:
    reading = options.model_dump(exclude_defaults=True) | ({} if query is None else {"query": query})
    return f"gc.read({', '.join([repr(file), *(f'{name}={value!r}' for name, value in reading.items())])})"
