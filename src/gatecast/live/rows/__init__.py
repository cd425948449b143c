"""Rows on their way into a live model."""
