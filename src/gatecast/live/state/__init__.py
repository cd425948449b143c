"""What a live model does with what it remembers: forecast, join, drop, swap."""
