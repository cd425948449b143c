"""The model file: what is written, how, and every check before anything is believed."""
