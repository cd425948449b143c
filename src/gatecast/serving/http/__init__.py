"""What every request passes: ids and logs, tokens, limits; and what is counted."""
