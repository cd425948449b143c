"""The arguments of a forecaster, read back and changed, and what it says of itself."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Self

from gatecast.data.html import html_facts
from gatecast.data.panel import Panel
from gatecast.data.tables.intake import as_panel
from gatecast.errors import ConfigError, did_you_mean, listed
from gatecast.evaluation.blended import blend_lines, blend_title
from gatecast.export.forecast import Part, export
from gatecast.storage import files
from gatecast.windows.scaling import Scaling

if TYPE_CHECKING:
    import numpy as np

    from gatecast.ensemble.fitted import Fitted
    from gatecast.planning.plan import Plan

__all__ = ["Learned", "Parameters"]


class Parameters:
    """Parameters as scikit-learn has them: the arguments of the constructor, kept under their names."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor by name, as they were given; ``deep``, scikit-learn's, changes nothing."""
        held = {name: getattr(self, name) for name in _arguments(type(self))}
        given = {name: given for name, (given, read) in self._given().items() if held[name] is read}
        return held | given

    def _given(self) -> dict[str, tuple[Any, Any]]:
        """Arguments that are kept in another form, by name: as given, and as kept."""
        found: dict[str, tuple[Any, Any]] = vars(self).get("_as_given", {})
        return found

    def _keep_as_given(self, **given: Any) -> None:
        """Remember the objects themselves: ``sklearn.base.clone`` asks for them again."""
        self._as_given = {name: (value, getattr(self, name)) for name, value in given.items()}

    def set_params(self, **params: Any) -> Self:
        """Change arguments of the constructor, for the next ``fit``.

        Raises:
            ConfigError: there is no such argument, or a value is out of range; nothing is changed then.
        """
        known = self.get_params()
        unknown = [f"{name!r}{did_you_mean(name, known)}" for name in params if name not in known]
        if unknown:
            raise ConfigError(
                f"{type(self).__name__} has no parameter {listed(unknown)}. Known: {listed([*known], 99)}."
            )
        changed = type(self)(**{**known, **params})
        vars(self).update(vars(changed))
        return self

    def __repr__(self) -> str:
        learned = _learned(self)
        return f"<{_call(self)} · fitted to {learned['data']} · {learned['model']}>" if learned else _call(self)

    def _repr_html_(self) -> str:
        notes = (f"{weight} {expert}" for weight, expert in _experts(self))
        return html_facts(_call(self), _learned(self) or {"fitted": "not yet"}, notes)


def _arguments(kind: type) -> Mapping[str, inspect.Parameter]:
    """The arguments of a constructor, in order."""
    return inspect.signature(kind).parameters


def _call(thing: Any) -> str:
    """The call that makes the same again, without what has its default value."""
    arguments = {name: (getattr(thing, name), one.default) for name, one in _arguments(type(thing)).items()}
    given = [
        _shown(value) if default is inspect.Parameter.empty else f"{name}={_shown(value)}"
        for name, (value, default) in arguments.items()
        if value is not default and value != default
    ]
    return f"{type(thing).__name__}({', '.join(given)})"


def _shown(value: Any) -> str:
    """A value as it may be written: a scaling as its text, a configuration by what differs from its defaults."""
    if isinstance(value, Scaling):
        return repr(value.describe())
    if is_dataclass(value) and not isinstance(value, type):
        return f"{type(value).__name__}({', '.join(_differing(value))})"
    return repr(value)


def _differing(value: Any) -> Iterator[str]:
    for field in fields(value):
        if (here := getattr(value, field.name)) != field.default:
            yield f"{field.name}={_shown(here)}"


class Learned(Parameters):
    """What a fitted forecaster has learned: asked about it, forecast with, written to files."""

    fitted_: Fitted
    file_: str | None

    @classmethod
    def around(cls, fitted: Fitted, file: str | None = None) -> Self:
        """A forecaster that holds what was learned elsewhere, read from a file perhaps; without the data."""
        model = cls(**vars(fitted.settings))
        model.fitted_, model.file_ = fitted, file
        return model

    @property
    def is_fitted(self) -> bool:
        """There is something to forecast with."""
        return hasattr(self, "fitted_")

    @property
    def plan_(self) -> Plan:
        """What was chosen; of a blend the plan of its main candidate."""
        return self._fitted().plan

    @property
    def history_(self) -> list[dict[str, float]]:
        """The logged epochs of the main candidate's members, one plain dict each."""
        return self._fitted().history

    @property
    def record_(self) -> dict[str, Any]:
        """How the fit went: seconds, series, steps, epochs of the main candidate's members, whether it was stopped."""
        return asdict(self._fitted().record)

    def trained_until(self) -> dict[str, Any]:
        """Last time that the training saw, by series; a model file holds it too."""
        return dict(self._fitted().trained_until())

    def _fitted(self) -> Fitted:
        if not hasattr(self, "fitted_"):
            raise ConfigError("this Forecaster is not fitted yet: call fit() first, or gatecast.load() a model file.")
        return self.fitted_

    def panel_of(self, data: Any, day_first: bool | None = None) -> Panel:
        """A panel or table as a panel with the columns, categories and frequency of the training."""
        fitted = self._fitted()
        return as_panel(data, fitted.schema, fitted.frequency, fitted.names, day_first=day_first)

    def forecast_from(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """Quantiles (B, H, C, Q) after any origin rows of a panel, in one pass; rows after an origin are not used.

        Future covariates of the H steps after each origin are read from the panel.
        """
        return self._fitted().forecast(panel, series_B, origin_B)

    # ---------------------------------------------------------------- file

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to a file, without data; ``gatecast.load`` reads it. See ``docs/format.md``.

        Raises:
            ConfigError: the model is not fitted.
            ModelFileError: the file cannot be written.
        """
        files.save(self._fitted(), path)

    def export(self, path: str | os.PathLike[str], *, part: Part = "all", bounds: Any = None) -> None:
        """Write what ``predict`` does as an ONNX graph, which runs without Gatecast (extra ``onnx``).

        It takes the last values of any number of series and gives their quantiles; its metadata say of how many steps,
        which columns and what frequency. See ``docs/howto-onnx.md``.

        Args:
            path: of the file.
            part: "networks" leaves out experts of the blend that were not trained; the metadata say so.
            bounds: in place of those of the model: "none", or a range such as "0.." or (0, 1).

        Raises:
            ConfigError: not fitted, onnx is missing, or something of the model has no graph: all of it is named.
            ModelFileError: the file cannot be written.
        """
        export(self._fitted(), path, part, bounds)


# ---------------------------------------------------------------- what was learned


def _experts(model: Any) -> list[tuple[str, str]]:
    """Weight and description of what a fitted forecaster blends; nothing where it does not."""
    return blend_lines(model.fitted_.blend.described()) if hasattr(model, "fitted_") else []


def _learned(model: Any) -> dict[str, str]:
    """What a fitted forecaster is, and from what it learned; nothing before ``fit``."""
    if not hasattr(model, "fitted_"):
        return {}
    fitted: Fitted = model.fitted_
    record, title = fitted.record, blend_title(fitted.blend.described())
    return {
        "model": title or fitted.describe(),
        "data": f"{record.series:,} series · {record.steps:,} {fitted.frequency.plural(record.steps)}",
        "targets": listed(fitted.schema.targets),
        **({} if record.seconds is None else {"trained": f"{record.seconds:,.1f} s"}),
    }
