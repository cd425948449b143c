"""What the service keeps: models, live states, observed rows, scores and jobs, in SQLite or PostgreSQL."""
