"""From many networks to one forecaster."""
