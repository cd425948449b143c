"""What forecasts are measured from, one kind to a file; ``gatecast.windows.reference`` has them all by name."""
