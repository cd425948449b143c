"""The truth: metrics, baselines, score tables and the verdict. numpy only."""
