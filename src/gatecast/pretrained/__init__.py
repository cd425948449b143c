"""An LSTM that needs no training of its own: it weighs a bank of simple forecasts, step by step."""
