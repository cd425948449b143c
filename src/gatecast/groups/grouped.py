"""GroupedForecaster: one Forecaster for each group of series, trained side by side.

panel ──▶ north ──▶ Forecaster ─┐
      ├─▶ south ──▶ Forecaster ─┼─▶ one forecast, one score, one file
      └─▶ west  ──▶ Forecaster ─┘
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, overload

import numpy as np

from gatecast.backtesting.assess import evaluate, training_part
from gatecast.backtesting.given import require_model
from gatecast.data.html import html_facts
from gatecast.data.panel import Panel
from gatecast.data.scan.sample import require_held_back
from gatecast.data.scan.source import PanelSource
from gatecast.data.schema import Schema
from gatecast.data.tables.future import observed_part
from gatecast.data.tables.intake import as_panel
from gatecast.data.tables.reading import read_covariates
from gatecast.engines.options import EngineOptions
from gatecast.errors import Code, ConfigError, PanelError, did_you_mean, listed
from gatecast.forecaster import Forecaster
from gatecast.forecasts.axes import Axes
from gatecast.forecasts.forecast import Forecast
from gatecast.groups.column import members_of
from gatecast.groups.files import read_parts, write_parts
from gatecast.groups.part import Parts
from gatecast.groups.scores import GroupedScores
from gatecast.groups.training import panels_of, trained
from gatecast.parameters import Parameters
from gatecast.progress import Listener
from gatecast.storage.files import PathLike
from gatecast.storage.folder import require_local

if TYPE_CHECKING:
    from gatecast.scale.predict import WrittenForecast

__all__ = ["GroupedForecaster", "load_groups"]


class GroupedForecaster(Parameters):
    """One model for each group of series, such as one for each region, trained side by side on the engine.

    What one group needs, another may not: each chooses its own lookback, scaling and season, and comes with a verdict
    of its own. Groups with few series learn less than one model of all of them would: compare both.

    Args:
        model: a Forecaster with the settings of all of them; it stays as it is.
        groups: the column that says which group a series is in: a static covariate, or one of the columns that name
            the series.

    Fitted attributes: ``parts_`` (group -> ``Part``: its ``model``, a Forecaster as any other, its ``judgement`` and
    ``verdict``; of a source, ``model.sample_`` says what it has seen).
    """

    parts_: Parts

    def __init__(self, model: Forecaster, groups: str) -> None:
        self.model, self.groups = model, groups

    # ---------------------------------------------------------------- what it is

    @property
    def is_fitted(self) -> bool:
        """There is something to forecast with."""
        return "parts_" in vars(self)

    @property
    def horizon(self) -> int:
        """Steps of a forecast."""
        return self.model.horizon

    @property
    def running(self) -> EngineOptions:
        """Where the work runs."""
        return self.model.running

    @property
    def progress(self) -> bool | Listener:
        """What hears of the progress."""
        return self.model.progress

    @property
    def schema(self) -> Schema:
        """The columns of the training, the same in all groups."""
        return self._first().fitted_.schema

    def __repr__(self) -> str:
        call = super().__repr__()
        return f"<{call} · {self._words()}>" if self.is_fitted else call

    def _repr_html_(self) -> str:
        told = {name: f"{part.model.fitted_.describe()} · {part.outcome}" for name, part in self._parts().items()}
        return html_facts(super().__repr__(), told)

    def _words(self) -> str:
        """How many groups, and how they did."""
        outcomes = [part.outcome for part in self.parts_.values()]
        found = [f"{outcomes.count(one)} {one}" for one in ("better", "undecided", "worse") if one in outcomes]
        return f"{len(outcomes):,} group{'s' * (len(outcomes) > 1)}{': ' if found else ''}{', '.join(found)}"

    def __getattr__(self, name: str) -> NoReturn:
        """Only for what is not there: what one model can do, and the models of groups together cannot."""
        if name.startswith("_") or not hasattr(Forecaster, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise AttributeError(
            f"{name} is for one model, and this holds one for each group: take that of a group, such as "
            f"parts_[{next(iter(vars(self).get('parts_', ())), 'north')!r}].model.{name}."
        )

    # ---------------------------------------------------------------- fit

    def fit(
        self,
        data: Any,
        *,
        origins: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        memory_limit: int | str = "1GB",
        held_back: int = 0,
    ) -> Self:
        """Train a model for each group: first before some held-out steps, for its verdict, then on everything.

        A ``time_limit`` of the model is one for each group.

        Args:
            data: a Panel, or what ``gatecast.read`` takes. Of a source (``gatecast.scan``) a sample of every group.
            origins: held-out origins of the verdicts; None = as many as fit, up to 3; 0 = no verdict, in half the time.
            checkpoint: a folder that keeps where the trainings stand, as for ``Forecaster.fit``.
            memory_limit: of a source: bytes that all samples may take together.
            held_back: of a source: last steps of every series that are not seen.

        Raises:
            ConfigError: no such column says something of whole series.
            WindowError: groups have too little data; all of them are named.
            TrainingError: a stop came before all groups were trained, or a loss is no longer finite.
        """
        require_model(self.model, "GroupedForecaster")
        if not isinstance(self.groups, str):
            raise ConfigError(f"groups is the name of one column; got {self.groups!r}.")
        require_held_back(held_back, isinstance(data, PanelSource))
        folder = None if checkpoint is None else require_local(checkpoint, "a fit")
        whole = data if isinstance(data, PanelSource) else as_panel(data)
        panels, samples = panels_of(whole, self.groups, self.model, memory_limit, held_back)
        self.parts_ = trained(self.model, panels, origins, folder)
        for name, sample in samples.items():
            self.parts_[name].model.sample_ = sample
        self.panel_ = None if isinstance(whole, PanelSource) else whole
        return self

    # ---------------------------------------------------------------- predict and score

    def panel_of(self, data: Any) -> Panel:
        """A panel or table as a panel with the columns, categories and frequency of the training."""
        return self._first().panel_of(data)

    @overload
    def predict(self, data: PanelSource, *, output: str | os.PathLike[str]) -> WrittenForecast: ...

    @overload
    def predict(self, data: Any | None = None, *, future: Any | None = None) -> Forecast: ...

    def predict(
        self,
        data: Any | None = None,
        *,
        future: Any | None = None,
        output: str | os.PathLike[str] | None = None,
    ) -> Forecast | WrittenForecast:
        """Forecast the H steps after the last observed target of every series, each by the model of its group.

        Args:
            data: the history to continue, of known or new series of known groups; None = the data of ``fit``.
            future: future covariates over the horizon, as for ``Forecaster.predict``.
            output: folder for the forecasts of a source, as for ``Forecaster.predict``.

        Raises:
            PanelError: a series is in a group that the training did not see.
            CovariateError, WindowError, ModelFileError, TrainingError: as ``Forecaster.predict``.
        """
        parts = self._parts()
        if isinstance(data, PanelSource):
            return self._written(data, output, future)
        if output is not None:
            raise ConfigError("output= is for a source (gatecast.scan); write other forecasts with to_frame().")
        panel = self.panel_of(data) if data is not None else getattr(self, "panel_", None)
        if panel is None:
            raise ConfigError("there are no data here: pass the history to predict(...).")
        members = self._known(panel)
        if future is not None and not isinstance(future, Panel | Mapping):
            future = read_covariates(future, observed_part(panel))
        made = {
            name: parts[name].model.predict(panel.select(rows), future=_future_of(future, panel, rows))
            for name, rows in members.items()
        }
        return _joined(made, members, observed_part(panel))

    def _written(self, source: PanelSource, output: str | os.PathLike[str] | None, future: Any) -> WrittenForecast:
        from gatecast.scale.predict import predict_source

        if output is None or future is not None:
            raise ConfigError("the forecasts of a source go into a folder: give output=, and future rows in its files.")
        return predict_source(self, source, output)

    def _evaluated(
        self, data: Any, origins: int | Literal["all"] | None, stride: int | None, **how: Any
    ) -> GroupedScores:
        """Score the model of each group, as ``gatecast.evaluate`` does."""
        checkpoint = how.pop("checkpoint", None)
        if not self.is_fitted:
            if origins == "all":
                raise ConfigError("all origins are for a model that is fitted: call fit() on earlier data first.")
            before, data = training_part(as_panel(data), self.horizon, origins or 1, stride)
            self.fit(before, origins=0, checkpoint=checkpoint)
        panel, parts = self.panel_of(data), self._parts()
        return GroupedScores({
            name: evaluate(parts[name].model, panel.select(rows), origins=origins, stride=stride, **how)
            for name, rows in self._known(panel).items()
        })  # fmt: skip

    def require_known(self, panel: Panel) -> Panel:
        """The panel. Raises PanelError where a series is in a group that the training did not see."""
        self._known(panel)
        return panel

    def _known(self, panel: Panel) -> dict[str, np.ndarray]:
        """Group -> positions of its series. Raises PanelError for groups without a model."""
        members, parts = members_of(panel, self.groups), self._parts()
        new = [name for name in members if name not in parts]
        if new:
            raise PanelError(
                f"no model was trained for {self.groups} {listed([repr(name) for name in new], 5)}"
                f"{did_you_mean(new[0], parts)}. There are {listed(list(parts), 9)}. Leave such series out",
                Code(f" (panel.select), or fit a {type(self).__name__} to data that have them"),
                ".",
            )
        return members

    # ---------------------------------------------------------------- file

    def save(self, path: PathLike) -> None:
        """Write the models of all groups to one file, without data; ``gatecast.load_groups`` reads it.

        Raises:
            ConfigError: the model is not fitted.
            ModelFileError: the file cannot be written.
        """
        write_parts(self.groups, self._parts(), path)

    def _parts(self) -> Parts:
        if not self.is_fitted:
            raise ConfigError(
                f"this {type(self).__name__} is not fitted yet: call fit() first, or load_groups() a file."
            )
        return self.parts_

    def _first(self) -> Forecaster:
        return next(iter(self._parts().values())).model


def load_groups(path: PathLike) -> GroupedForecaster:
    """Read the models of all groups from a file. Everything is checked before anything is built.

    They hold no data: give ``predict`` the history to continue.

    Raises:
        ModelFileError: there is no such file, or it is damaged, from a newer version, or contradicts itself.
    """
    column, parts = read_parts(path)
    first = next(iter(parts.values())).model
    made = GroupedForecaster(Forecaster(**vars(first.settings)), column)
    made.parts_ = parts
    return made


def _future_of(future: Any, panel: Panel, rows: np.ndarray) -> Any:
    """Of future covariates those of some series."""
    if not isinstance(future, Panel):
        return future
    known = set(future.ids)
    return future.select([name for name in panel.select(rows).ids if name in known])


def _joined(made: Mapping[str, Forecast], members: Mapping[str, np.ndarray], history: Panel) -> Forecast:
    """The forecasts of all groups in the order of the panel."""
    first = next(iter(made.values()))
    values_NHCQ = np.empty((len(history), *first.values_NHCQ.shape[1:]), first.values_NHCQ.dtype)
    for name, one in made.items():
        values_NHCQ[members[name]] = one.values_NHCQ
    facts = {
        what: tuple(name for name in history.ids if any(name in getattr(one, what) for one in made.values()))
        for what in ("guarded", "bounded")
    }
    return Forecast(values_NHCQ, first.quantiles, Axes.after(history, first.horizon), history, **facts)
