"""What commands give back: the verdict with what to run next, JSON objects, exit codes."""
