"""Speed beside the peers, in one run: ``python -m benchmarks.speed TASK``."""
