"""Commands on a saved model."""
