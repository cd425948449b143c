"""Gatecast's side of each task, as contestants (see ``speed.worker``)."""
