"""Logs: one line of JSON for each request and event. No token, row, name of a series or model content is in them."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TextIO

__all__ = ["LOG", "JsonLines", "to_stderr"]

LOG = logging.getLogger("gatecast.serving")


class JsonLines(logging.Formatter):
    """A record as one line: time, level, event, and its ``facts``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; of an error its kind alone, for a message may quote a row."""
        facts = getattr(record, "facts", {})
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {"time": f"{moment}.{int(record.msecs):03d}Z", "level": record.levelname.lower()}
        line |= {"event": record.getMessage()[:500], **facts}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["at"] = _where(record)
        return json.dumps(line, ensure_ascii=False, default=str)


def _where(record: logging.LogRecord) -> str:
    """File and line of an error, without what was in its variables."""
    trace = record.exc_info[2] if record.exc_info else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"


def to_stderr(stream: TextIO | None = None) -> None:
    """Write the logs of the service, and those of the server below it, to stderr."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    for name, level in (("gatecast.serving", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
