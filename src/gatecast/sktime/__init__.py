"""Gatecast as a forecaster of sktime (extra ``sktime``): ``from gatecast.sktime import GatecastForecaster``."""

from gatecast.sktime.adapter import GatecastForecaster

__all__ = ["GatecastForecaster"]
