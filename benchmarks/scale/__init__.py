"""Sources larger than memory, and a cluster that loses its nodes: ``python -m benchmarks.scale TASK``."""
