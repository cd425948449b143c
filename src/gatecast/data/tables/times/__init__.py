"""The times of a table: every usual spelling, with one answer where two readings are possible."""
