"""From settings and data to the candidates that may be trained."""
