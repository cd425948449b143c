"""Scoring a forecaster on origins that it has not seen."""
