"""Databases: queries in, forecasts out."""
