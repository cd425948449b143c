"""Frozen dataclasses to JSON and back. The type hints are the schema: what does not fit them is refused with its place.

dataclass   object with exactly its fields        tuple, list   array
int         whole number that fits in 64 bits     dict          object
float       number, or "nan", "inf", "-inf"       X | None      X or null; of X | Y | None a file holds X
Scaling     its text, as ``describe`` writes it
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from gatecast.errors import InputError, ModelFileError, did_you_mean, listed
from gatecast.model.config import LSTMConfig, NetworkConfig
from gatecast.windows.scaling import Scaling

__all__ = ["Json", "decode", "encode", "parse", "write"]

Json = None | bool | int | float | str | list[Any] | dict[str, Any]
T = TypeVar("T")
SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}  # JSON has no words for them
LARGEST = 2**63
STORED = {NetworkConfig: LSTMConfig}  # of the networks, a file of this format can hold the LSTM
WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", list: "a list", dict: "a map"}


def write(value: Json) -> str:
    """One line of JSON; the same value gives the same text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def parse(text: str) -> Json:
    """Read JSON strictly: no key twice, no NaN. Raises ModelFileError."""
    try:
        parsed: Json = json.loads(text, object_pairs_hook=_without_twins, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"its JSON text cannot be read ({error}).") from error
    return parsed


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def encode(value: Any) -> Json:
    """Plain JSON for dataclasses, containers and numbers. Raises ModelFileError for anything else."""
    if isinstance(value, Scaling):
        value = value.describe()
    if value is None or isinstance(value, str | bool):
        return value
    if dataclasses.is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    raise ModelFileError(f"a {type(value).__name__} cannot be written: {value!r}.")


def decode(kind: type[T], value: Json, where: str) -> T:
    """Build ``kind`` from JSON.

    Args:
        kind: a dataclass, a plain type, or a typed container.
        value: what ``parse`` gave.
        where: its place, for messages, such as "plan.network".

    Raises:
        ModelFileError: a field is missing, unknown, of a wrong type or out of its range.
    """
    built: T = _decode(kind, value, where)
    return built


def _decode(kind: Any, value: Json, where: str) -> Any:
    kind = STORED.get(kind, kind)
    origin = get_origin(kind)
    if kind is Any:
        return value
    if origin is Literal:
        return _one_of(get_args(kind), value, where)
    if origin in (Union, types.UnionType):
        inner = next(option for option in get_args(kind) if option is not types.NoneType)
        return None if value is None else _decode(inner, value, where)
    if origin in (tuple, list):
        return _sequence(kind, _require(list, value, where), where)
    if origin is dict:
        items = _require(dict, value, where)
        return {_text(key, where): _decode(get_args(kind)[1], item, f"{where}.{key}") for key, item in items.items()}
    return _dataclass(kind, value, where) if dataclasses.is_dataclass(kind) else _scalar(kind, value, where)


def _sequence(kind: Any, items: list[Any], where: str) -> Any:
    """A list, a tuple of any length, or a tuple of fixed length."""
    kinds = get_args(kind)
    if get_origin(kind) is tuple and kinds[-1] is not Ellipsis:
        if len(items) != len(kinds):
            raise ModelFileError(f"{where} must have {len(kinds)} entries; it has {len(items)}.")
    else:
        kinds = (kinds[0],) * len(items)
    built = [_decode(inner, item, f"{where}[{n}]") for n, (inner, item) in enumerate(zip(kinds, items, strict=True))]
    return tuple(built) if get_origin(kind) is tuple else built


def _dataclass(kind: Any, value: Json, where: str) -> Any:
    """Every field has to be there, and no other; the ranges are checked by the class itself."""
    if kind is Scaling:
        return _scaling(_text(value, where), where)
    items = _require(dict, value, where)
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    unknown = [f"{name!r}{did_you_mean(name, names)}" for name in items if name not in names]
    missing = [repr(name) for name in names if name not in items]
    if unknown or missing:
        told = [f"{word} {listed(found)}" for word, found in (("unknown", unknown), ("missing", missing)) if found]
        raise ModelFileError(f"{where} has other fields than it should: {', '.join(told)}.")
    built = {name: _decode(hints[name], items[name], f"{where}.{name}") for name in names}
    try:
        return kind(**built)
    except ModelFileError:
        raise
    except InputError as error:
        raise ModelFileError(f"{where}: {error}") from error


def _scaling(text: str, where: str) -> Scaling:
    try:
        scaling = Scaling.parse(text)
    except InputError as error:
        raise ModelFileError(f"{where}: {error}") from error
    if scaling.describe() != text:
        raise ModelFileError(f"{where} is {_short(text)}, not as it would be written: {_short(scaling.describe())}.")
    return scaling


def _scalar(kind: type, value: Json, where: str) -> Any:
    if kind is str:
        return _text(value, where)
    if kind is float and isinstance(value, str) and value in SPECIAL:
        return SPECIAL[value]
    fits = type(value) in ((int, float) if kind is float else (kind,))  # a bool is no number here
    if not fits or (isinstance(value, int) and abs(value) >= LARGEST) or (value in SPECIAL.values()):
        raise _wrong(kind, value, where)
    return value


def _text(value: Json, where: str) -> str:
    text: str = _require(str, value, where)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ModelFileError(f"{where} is no valid Unicode: {_short(text)}.") from error
    return text


def _one_of(options: tuple[Any, ...], value: Json, where: str) -> Json:
    if not isinstance(value, str) or value not in options:
        hint = did_you_mean(value, options) if isinstance(value, str) else ""
        raise ModelFileError(f"{where} is {_short(value)}{hint}; it must be one of {listed(options, 12)}.")
    return value


def _require(kind: type, value: Json, where: str) -> Any:
    if not isinstance(value, kind):
        raise _wrong(kind, value, where)
    return value


def _wrong(kind: type, value: Json, where: str) -> ModelFileError:
    return ModelFileError(f"{where} must be {WORDS[kind]}; it is {_short(value)}.")


def _short(value: Json) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < LARGEST else "beyond 64 bits"
    return text if len(text) <= 40 else f"{text[:37]}..."
