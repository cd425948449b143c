"""Forecasts of other libraries for benchmarks.accuracy: sensible settings, not tuned ones."""
