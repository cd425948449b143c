"""One process that forecasts over HTTP, keeps its state in a database, and trains in a process of its own."""
