"""Start the service: store, models, and the server that takes connections."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gatecast.errors import ConfigError, GatecastError, ModelFileError
from gatecast.serving.limits import Limits

__all__ = ["Start", "serve"]

GRACE = 20  # seconds that running requests get when the service ends
SWITCH = 0.001  # seconds that one thread of Python keeps the others waiting; 0.005 would show in the slowest answers


@dataclass(frozen=True)
class Start:
    """How a service starts.

    Args:
        models: files of models; each is called as its file is, without the ending.
        store: a file of SQLite, or the URL of a PostgreSQL database.
        host: address to listen on.
        port: port; 0 = any free one.
        token_file: tokens with their scopes.
        limits: of requests.
        databases: those that jobs may ask, as NAME=ADDRESS.
        page: tells where the service is, once it can be asked.
    """

    models: Sequence[Path]
    store: str
    host: str
    port: int
    token_file: Path | None
    limits: Limits
    tell: Callable[[str], None]
    databases: Sequence[str] = ()


def serve(start: Start) -> int:
    """Serve until a signal ends it; the exit code.

    Raises:
        ConfigError: the store, a token file or the address cannot be used, or nobody would need a token from elsewhere.
        ModelFileError: a model file is damaged.
    """
    _require_extra()
    import torch

    from gatecast.serving.http.logs import to_stderr
    from gatecast.serving.http.tokens import Tokens, read_tokens
    from gatecast.serving.jobs.databases import databases_of
    from gatecast.serving.listening import listen
    from gatecast.serving.routes.service import Service
    from gatecast.serving.store.store import open_store

    tokens = Tokens() if start.token_file is None else read_tokens(start.token_file)
    if not len(tokens) and not _is_loopback(start.host):
        raise ConfigError(
            f"--host {start.host} can be reached from other machines, and no token is needed. Give "
            "--token-file, or listen on 127.0.0.1."
        )
    databases = databases_of(start.databases)
    for path in start.models:  # before a store is made
        _require_one_model(path)
    to_stderr()
    store = open_store(start.store)
    try:
        service = Service.of(store, start.limits, tokens, databases)
    except BaseException:
        store.close()
        raise
    try:
        for path in start.models:
            _add(service.desk.catalogue.put, path)
        sys.setswitchinterval(SWITCH)
        torch.set_num_threads(1)
        with suppress(KeyboardInterrupt):  # Ctrl-C has ended it as it should
            listen(service, start.host, start.port, GRACE, start.tell)
    finally:
        service.close()
    return 0


def _require_one_model(path: Path) -> None:
    """Raise ConfigError for a file that is not there, is no model, or holds one for each group."""
    from gatecast.storage.files import require_no_groups

    try:
        path.open("rb").close()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        require_no_groups(path, "gatecast serve")
    except ModelFileError as error:
        raise ConfigError(f"{path} is no model of Gatecast: ", error) from None


def _add(put: Callable[..., object], path: Path) -> None:
    """Put a model file into the store, unless the same is there."""
    from gatecast.serving.problems import Problem

    content = path.read_bytes()
    try:
        put(path.name.removesuffix(path.suffix), content, only_changed=True)
    except Problem as problem:
        raise ConfigError(f"{path}: {problem.detail} {problem.remedy}") from None
    except GatecastError as error:
        raise ConfigError(f"{path} is no model of Gatecast: ", error) from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require_extra() -> None:
    try:
        import fastapi  # noqa: F401 -- asked for by what is imported next
        import prometheus_client  # noqa: F401 -- the same
        import python_multipart  # noqa: F401 -- the same
        import sqlalchemy  # noqa: F401 -- the same
        import uvicorn  # noqa: F401 -- the same
    except ImportError as error:
        raise ConfigError(f"the service needs {error.name}: pip install 'gatecast[serve]'.") from None
