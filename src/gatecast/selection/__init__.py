"""What the user left open is chosen here: from the data, on a validation tail, never on what comes after it."""
