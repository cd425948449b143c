"""Files that a command reads and writes: checked before the work begins."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.data.tables.databases.address import Address, is_address, names_database, parse_address
from gatecast.errors import ConfigError, did_you_mean, listed

if TYPE_CHECKING:
    from gatecast.cli.options import PictureOptions
    from gatecast.cli.printing import Screen
    from gatecast.forecasts.forecast import Forecast

__all__ = [
    "PAGE_KINDS",
    "PIPE",
    "PLOT_KINDS",
    "TABLE_KINDS",
    "destination",
    "is_folder",
    "require_pictures",
    "require_room",
    "require_writable",
    "save_forecast",
    "show_page",
    "to_future",
    "write_results",
]

PIPE = "stdin:"  # a dash would be taken for an option
TABLE_KINDS = (".csv", ".parquet", ".jsonl", ".xlsx")
PLOT_KINDS = (".png", ".pdf", ".svg")
UNNAMED = "forecast"  # what a database calls a model that no file is kept of
MOST_ROWS = 1_048_575  # of a sheet, below the names of its columns
PAGE_KINDS = (".html", ".htm")


def require_writable(path: Path | None, kinds: Sequence[str] = (), option: str = "--output") -> None:
    """Raise ConfigError unless a file of one of these kinds can be written there."""
    if path is None:
        return
    if ":" in str(path):
        from gatecast.storage.folder import require_local

        require_local(path, f"what {option} writes")
    folder = path.parent
    if path.suffix.lower() == ".xlsx" and find_spec("xlsxwriter") is None:
        raise ConfigError(
            f"{option} {path.name} is a spreadsheet, which needs xlsxwriter: pip install 'gatecast[excel]'."
        )
    if kinds and path.suffix.lower() not in kinds:
        hint = did_you_mean(path.suffix.lower(), kinds)
        raise ConfigError(f"{option} {path.name} has an unknown kind{hint}. It ends in {listed(kinds)}.")
    if not folder.is_dir():
        raise ConfigError(f"{option} {path}: the folder {str(folder)!r} does not exist. Make it first.")
    if path.is_dir():
        raise ConfigError(f"{option} {path} is a folder; give the name of a file.")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ConfigError(f"{option} {path}: no permission to write there.")


def to_future(items: Sequence[str]) -> Any:
    """The future covariates that were given: None, a path, or constants by name.

    >>> to_future(["day_type=W", "price=9.5"])
    {'day_type': 'W', 'price': '9.5'}
    """
    if not items:
        return None
    if len(items) == 1 and is_address(items[0]):
        return items[0]
    if len(items) == 1 and ("=" not in items[0] or Path(items[0]).is_file()):
        return Path(items[0])
    wrong = [repr(item) for item in items if not item.partition("=")[0] or "=" not in item]
    if wrong:
        raise ConfigError(f"--future {listed(wrong)} is not understood: give one file, or NAME=VALUE for each.")
    names = [item.partition("=")[0] for item in items]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"--future gives {listed(twice)} twice.")
    return {name: item.partition("=")[2] for name, item in zip(names, items, strict=True)}


def picture_size(text: str | None) -> tuple[int, int] | None:
    """Pixels of a picture.

    >>> picture_size("1600x900")
    (1600, 900)
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+)\s*[xX×]\s*(\d+)\s*", text)
    if found is None:
        raise ConfigError(f"--plot-size {text!r} is not understood. Write pixels as 1600x900.")
    from gatecast.forecasts.canvas import require_size

    size = int(found[1]), int(found[2])
    require_size(size)
    return size


def require_pictures(plot: Path | None, picture: PictureOptions) -> None:
    """Raise ConfigError for what a picture cannot be."""
    require_writable(plot, PLOT_KINDS, "--plot")
    picture_size(picture.plot_size)
    if plot is None and (picture.plot_title is not None or picture.plot_size is not None):
        raise ConfigError("--plot-title and --plot-size say how --plot FILE looks: give --plot forecast.png too.")


def destination(output: str | None) -> Path | Address | None:
    """Where a forecast goes: a file or a table of a database, known to be writable before the work begins."""
    if output is None:
        return None
    if is_address(output):
        from gatecast.data.tables.databases.appending import require_appendable

        address = parse_address(output)
        require_appendable(address)
        return address
    require_writable(Path(output), TABLE_KINDS, "--output")
    return Path(output)


def is_folder(output: str | None) -> bool:
    """A forecast is to become a folder of files, a shard at a time."""
    if output is None or Path(output).suffix:
        return False
    return not is_address(output) or not names_database(output)


def require_room(place: Path | Address | None, rows: int) -> None:
    """Raise ConfigError for more rows of a forecast than a sheet holds: before the training, not after it."""
    if isinstance(place, Path) and place.suffix.lower() == ".xlsx" and rows > MOST_ROWS:
        raise ConfigError(
            f"--output {place.name}: a sheet holds {MOST_ROWS:,} rows, and the forecast has {rows:,}. "
            "Write .parquet or .csv."
        )


def write_results(
    forecast: Forecast, output: Path | Address | None, plot: Path | None, picture: PictureOptions, model: Path | None
) -> list[Path | Address]:
    """Write the table and the picture that were asked for: before anything is printed, for the reader may leave.

    ``model`` is the file of the model, whose name a database keeps beside the rows.
    """
    if output is not None:
        save_forecast(forecast, output, UNNAMED if model is None else model.stem)
    if plot is not None:
        forecast.plot(path=plot, title=picture.plot_title, size=picture_size(picture.plot_size))
    return [place for place in (output, plot) if place is not None]


def save_forecast(forecast: Forecast, path: Path | Address, model: str = UNNAMED) -> None:
    """Write a forecast as a long table."""
    if isinstance(path, Address):
        from gatecast.forecasts.database import append_forecast

        append_forecast(forecast, path, model)
        return
    from gatecast.forecasts.writing import write_forecast

    with path.open("wb") as file:  # polars takes no name that is no Unicode text
        write_forecast(forecast, file, path.suffix.lower())


def show_page(screen: Screen, page: Path) -> None:
    """Open a page in the reader's browser."""
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        screen.note(f"no browser was found: open {page} yourself")
