"""Anything that holds a table, as a panel."""
