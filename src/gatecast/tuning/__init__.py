"""Tuning: a search over settings that is told no more than a forecaster would know, and then has to prove itself."""
