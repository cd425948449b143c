"""Rows from a broker of MQTT, and what is said of them back to it."""
