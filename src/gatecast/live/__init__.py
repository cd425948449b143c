"""A fitted model that follows its data row by row: what is kept of each series, its forecasts, and how odd a row is."""
