"""Results: forecasts, sample paths, their plots."""
