"""``gatecast serve``: forecasts over HTTP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from gatecast.cli.options import Whole
from gatecast.errors import ConfigError

__all__ = ["serve"]

SERVICE = Group("Service", sort_key=1)
PORTS = 65_535


def serve(
    *models: Path,
    store: Annotated[str, Parameter(group=SERVICE)] = "gatecast.db",
    host: Annotated[str, Parameter(group=SERVICE)] = "127.0.0.1",
    port: Annotated[Whole, Parameter(group=SERVICE)] = 8765,
    token_file: Annotated[Path | None, Parameter(group=SERVICE)] = None,
    database: Annotated[tuple[str, ...], Parameter(group=SERVICE, negative_iterable="")] = (),
    limit: Annotated[tuple[str, ...], Parameter(group=SERVICE, negative_iterable="")] = (),
) -> int:
    """Forecast over HTTP, follow rows, and train in the background, until Ctrl-C.

    Args:
        models: Files that gatecast fit or forecast --save wrote, or of live models; each is called as its file.
        store: A file of SQLite, gatecast.db by default, or postgresql://user@host/database.
        host: Address to listen on, 127.0.0.1 by default; another one needs --token-file.
        port: 8765 by default; 0 takes a free one.
        token_file: Lines of name, scopes (read,write,train) and token.
        database: NAME=ADDRESS of a database that jobs may query by its name, read-only; may be repeated.
        limit: Change a limit, as body=1000000; may be repeated. All of them: docs/serve.md.
    """
    if not 0 <= port <= PORTS:
        raise ConfigError(f"--port {port} is no port: it lies between 0 and {PORTS:,}.")
    from gatecast.serving.limits import LIMITS
    from gatecast.serving.run import Start
    from gatecast.serving.run import serve as run

    return run(Start(models, store, host, port, token_file, LIMITS.changed(limit), _tell, database))


def _tell(address: str) -> None:
    sys.stdout.write(f"Gatecast answers at {address} until Ctrl-C\n")
    sys.stdout.flush()
