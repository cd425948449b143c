"""Honest time-series forecasts with LSTMs."""

__version__ = "0.1.0"
