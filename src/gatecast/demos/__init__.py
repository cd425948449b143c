"""The five reference systems, each on the public API."""
