"""Arguments as they are typed on the command line: what a screen, a page or the service shows to be run again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["RENAMED", "shortest", "typed_option", "typed_reading", "typed_settings"]

# predict has a ``future`` of its own, and networks a ``skip``
RENAMED = {("read", "future"): "future_columns", ("read", "skip"): "skip_rows", ("groups", "groups"): "per"}


def typed_option(name: str, value: Any) -> Iterator[str]:
    """One option as it is typed.

    >>> list(typed_option("day_first", False)), list(typed_option("target", ("a", "b")))
    (['--no-day-first'], ['--target', 'a', '--target', 'b'])
    >>> list(typed_option("clip", None))
    ['--clip', 'none']
    """
    typed = name.replace("_", "-")
    if isinstance(value, bool):
        yield f"--{'' if value else 'no-'}{typed}"
        return
    for one in value if isinstance(value, tuple | list) else (value,):
        yield f"--{typed}"
        yield "none" if one is None else shortest(one) if isinstance(one, float) else str(one)


def typed_reading(options: Mapping[str, Any]) -> Iterator[str]:
    """Arguments of ``read`` as options.

    >>> list(typed_reading({"future": ["price"], "gaps": "zero"}))
    ['--future-columns', 'price', '--gaps', 'zero']
    """
    for name, value in options.items():
        yield from typed_option(RENAMED.get(("read", name), name), value)


def typed_settings(settings: Mapping[str, Any]) -> Iterator[str]:
    """Arguments of a Forecaster as options, those of network and training too.

    >>> list(typed_settings({"quantiles": (0.1, 0.5, 0.9), "bounds": "none", "training": {"lr": 0.01}}))
    ['--quantiles', '0.1,0.5,0.9', '--no-bounds', '--lr', '0.01']
    """
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from typed_settings(value)
        elif name == "quantiles":
            yield from typed_option(name, ",".join(map(shortest, value)))
        elif name == "bounds":
            yield from typed_option(name, value not in ("none", False))
        else:
            yield from typed_option(name, value)


def shortest(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)
