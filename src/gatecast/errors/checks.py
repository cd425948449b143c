"""Whether settings are of the types and in the ranges that they have to be."""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, Literal, get_args, get_origin

from gatecast.errors.messages import Argument, ConfigError, did_you_mean

__all__ = ["misfits", "optional_count", "require_count", "require_seconds", "shown"]

LONGEST = 60  # characters of a value in a message


def misfits(settings: Any) -> Iterator[tuple[str, str]]:
    """Name of each field with a value of another type, and what it must be.

    Numbers of other libraries, such as numpy's, become Python's. Fields of other types than those of ``TYPES``, choices
    (``Literal``) and these or None are left alone.

    Args:
        settings: a frozen dataclass.
    """
    for field in fields(settings):
        value, kind = getattr(settings, field.name), str(field.type)
        kind, optional = kind.removesuffix(" | None"), kind.endswith(" | None")
        if value is None and optional:
            continue
        if kind in TYPES:
            wanted, converted = TYPES[kind]
            try:
                object.__setattr__(settings, field.name, converted(value))
            except (TypeError, ValueError, OverflowError):
                yield field.name, f"must be {wanted}"
            continue
        choices = _choices(kind, settings)
        if choices and not (isinstance(value, str) and value in choices):
            hint = did_you_mean(value, choices) if isinstance(value, str) else ""
            yield field.name, f"must be one of {', '.join(map(repr, choices))}{hint}"


def shown(value: object) -> str:
    """A value as a message names it: in one line, and not too long.

    >>> shown("soon"), shown([1] * 100)
    ("'soon'", '[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,...')
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3].rstrip()}..."


def require_count(name: str | Argument, value: object, least: int = 1) -> int:
    """A whole number as Python's own. Raises ConfigError for what is none, or below the least.

    >>> require_count("origins", 2.5)
    Traceback (most recent call last):
    gatecast.errors.ConfigError: origins must be at least 1, a whole number; got 2.5.
    """
    try:
        whole = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        whole = None
    if whole is None:
        raise ConfigError(name, f" must be at least {least}, a whole number; got {shown(value)}.")
    if whole < least:
        raise ConfigError(name, f" must be at least {least}; got {whole}.")
    return whole


def optional_count(name: str | Argument, value: object, least: int = 1) -> int | None:
    """As ``require_count``; None stays None."""
    return None if value is None else require_count(name, value, least)


def require_seconds(name: str | Argument, value: object) -> None:
    """Raise ConfigError for what is no number, or not above 0; None is no limit."""
    if value is None:
        return
    try:
        seconds = _float(value)
    except (TypeError, OverflowError):
        raise ConfigError(name, f" must be a number of seconds; got {shown(value)}.") from None
    if not seconds > 0:
        raise ConfigError(name, f" must be above 0 seconds; got {value}.")


def _choices(kind: str, settings: object) -> tuple[Any, ...]:
    """What a field that is one of some texts may be; () where it is none."""
    if kind.startswith("Literal["):
        return tuple(ast.literal_eval(f"({kind.removeprefix('Literal[').removesuffix(']')},)"))
    named = vars(sys.modules[type(settings).__module__]).get(kind)
    return get_args(named) if get_origin(named) is Literal else ()


def _bool(value: Any) -> bool:
    if type(value).__name__ not in ("bool", "bool_"):  # numpy's is called either
        raise TypeError
    return bool(value)


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError
    return operator.index(value)


def _float(value: Any) -> int | float:
    if type(value) is int and abs(value) < 2**63:
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError
    return float(value)


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


TYPES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "bool": ("True or False", _bool),
    "int": ("a whole number", _int),
    "float": ("a number", _float),
    "str": ("a text", _str),
}
