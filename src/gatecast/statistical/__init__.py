"""Forecasts without a network: naive ones, exponential smoothing, rivals from other libraries."""
