"""The service under load, beside a minimal FastAPI application that calls ``model.predict`` for every request."""
