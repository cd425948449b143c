"""Models that are loaded: their forecasts, many requests in one pass, and the rows that they follow."""
