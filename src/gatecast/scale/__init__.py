"""Data larger than memory: forecasts and scores of a source, a shard at a time, on any engine."""
