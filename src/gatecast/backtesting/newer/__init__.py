"""A saved model and what came after its training: scored, checked, trained further."""
