"""Bearer tokens: from a file, compared in constant time, each with its scopes.

# name  scopes            token                     tokens.txt, readable by the service alone
shop    read              4v7Tq...
loader  read,write        Zk93a...
admin   read,write,train  Pq0sd...
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from pathlib import Path

from gatecast.errors import ConfigError

__all__ = ["ALL", "SCOPES", "Token", "Tokens", "read_tokens", "scope_of"]

SCOPES = ("read", "write", "train")
ALL = frozenset(SCOPES)
SHORTEST = 16


@dataclass(frozen=True)
class Token:
    """Who asks: a name for the log, and what is allowed.

    Args:
        name: of the token.
        scopes: "read", "write", "train".
        digest: SHA-256 of the token.
    """

    name: str
    scopes: frozenset[str]
    digest: bytes = b""


class Tokens:
    """All tokens of a service; without any, everybody who reaches it may do everything."""

    def __init__(self, tokens: tuple[Token, ...] = ()) -> None:
        self._tokens = tokens

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self._tokens)

    def holder(self, given: str) -> Token | None:
        """Whose token this is. It is compared with each of them, so that the time says nothing."""
        digest = hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest()
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found


def read_tokens(path: Path) -> Tokens:
    """The tokens of a file: a line each, with name, scopes (comma between them) and token; # begins a comment.

    Raises:
        ConfigError: the file cannot be read, others may read it, or a line is wrong. No token is told.
    """
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"--token-file {path} cannot be read.") from None
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(f"--token-file {path} can be read by others. Run: chmod 600 {path}")
    lines = [(n, line.split()) for n, line in enumerate(text.splitlines(), 1) if line.split("#")[0].strip()]
    found = tuple(_token(path, n, words) for n, words in lines)
    if not found:
        raise ConfigError(f"--token-file {path} holds no token. Write lines of: name scopes token.")
    for what in ("name", "digest"):
        if len({getattr(token, what) for token in found}) < len(found):
            raise ConfigError(f"--token-file {path} has a {'token' if what == 'digest' else what} twice.")
    return Tokens(found)


def _token(path: Path, line: int, words: list[str]) -> Token:
    where = f"--token-file {path}, line {line}"
    if len(words) != 3:
        raise ConfigError(f"{where}: write name, scopes and token, with spaces between them.")
    name, scopes, token = words
    asked = frozenset(scopes.split(","))
    if not re.fullmatch(r"[\w.-]{1,64}", name):
        raise ConfigError(f"{where}: the name has letters, digits, dots and dashes.")
    if not asked <= ALL:
        raise ConfigError(f"{where}: the scopes are read, write and train.")
    if len(token) < SHORTEST:
        raise ConfigError(
            f"{where}: the token is shorter than {SHORTEST} characters. Make one with: openssl rand -hex 24"
        )
    return Token(name, asked, hashlib.sha256(token.encode()).digest())


OPEN = re.compile(r"/(|favicon\.ico|openapi\.json|ping|v2/health/(live|ready)|page/[^/]*)")
WRITING = re.compile(r"/v1/(observe|models(/.*)?)")
TRAINING = re.compile(r"/v1/jobs(/.*)?")


def scope_of(method: str, path: str) -> str | None:
    """What a request needs; None = nothing, as it tells nothing of the data.

    >>> scope_of("GET", "/v1/models"), scope_of("POST", "/v1/observe"), scope_of("DELETE", "/v1/jobs/job-1")
    ('read', 'write', 'train')
    """
    if method in ("GET", "HEAD"):
        return None if OPEN.fullmatch(path) else "read"
    if TRAINING.fullmatch(path):
        return "train"
    return "write" if WRITING.fullmatch(path) else "read"
