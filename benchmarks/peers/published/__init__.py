"""The five published loops in plain torch, as a reader of the articles has them (written from their description)."""
