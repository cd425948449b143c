"""A live model that is trained further while it goes on."""
