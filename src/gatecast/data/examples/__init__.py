"""Data that come with Gatecast, or are downloaded when asked for."""
