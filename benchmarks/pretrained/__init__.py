"""How the pretrained gate was made, and how it is scored."""
