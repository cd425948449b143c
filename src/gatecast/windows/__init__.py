"""From a panel to batches of windows, in numpy."""
