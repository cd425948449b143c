"""The server that takes connections: uvicorn, with a limit on the time that a request's head may take."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from gatecast.errors import ConfigError
from gatecast.serving.app import application
from gatecast.serving.http.heads import protocol
from gatecast.serving.routes.service import Service

__all__ = ["listen"]

BACKLOG = 1024


class _Server(uvicorn.Server):
    """Ends all streams first when it is told to end, so that it need not wait for their readers."""

    def __init__(self, config: uvicorn.Config, service: Service, tell: Callable[[], None]) -> None:
        super().__init__(config)
        self._service, self._tell = service, tell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.ready = False
        self._service.hub.close()
        await super().shutdown(sockets)


def listen(
    service: Service,
    host: str,
    port: int,
    grace: int,
    tell: Callable[[str], None],
    made: Callable[[uvicorn.Server], None] | None = None,
) -> None:
    """Answer until SIGINT or SIGTERM.

    Args:
        service: that answers.
        host: address.
        port: port; 0 = a free one.
        grace: seconds that running requests get in the end.
        tell: takes the address, once it can be asked.
        made: takes the server, whose ``should_exit`` ends it too.

    Raises:
        ConfigError: the address is taken or is none of this machine.
    """
    sock = _bound(host, port)
    shown = f"[{host}]" if ":" in host else host
    config = uvicorn.Config(
        application(service),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        loop="auto",
        http=protocol(service.limits.body_seconds),
        ws="none",
        lifespan="on",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=grace,
        proxy_headers=False,
        backlog=BACKLOG,
    )
    server = _Server(config, service, lambda: tell(f"http://{shown}:{sock.getsockname()[1]}"))
    if made is not None:
        made(server)
    with sock:
        server.run([sock])
    if not server.started:
        raise ConfigError("the service could not start; the log says why.")


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except (OSError, OverflowError) as error:
        sock.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"--host {host} --port {port} cannot be listened on: {reason}. Choose another port."
        ) from None
    return sock
