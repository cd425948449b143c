"""Parquet files that are larger than memory: what is in them, and parts of them as panels."""
