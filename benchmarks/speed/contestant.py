"""Contestants: each in a process of its own, so that they can take turns and neither shares memory or settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

__all__ = ["PEERS", "Contestant", "ContestantError", "child_environment", "peers_python"]

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "benchmarks" / "peers" / ".venv"
THREAD_VARIABLES = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA", "VECLIB_MAXIMUM", "RAYON")


class ContestantError(RuntimeError):
    """A contestant did not start, or one of its calls failed."""


class Contestant:
    """A worker process that answers calls (see ``worker.serve``).

    Args:
        name: what tables call it.
        module: what its interpreter runs, such as "benchmarks.speed.ours.layer".
        arguments: command-line arguments of the module.
        threads: threads that its libraries may use.
        python: its interpreter.
        root: the checkout whose benchmarks it runs.

    Raises:
        ContestantError: it ended before it was ready; with the last line it wrote.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str] = (),
        *,
        threads: int,
        python: Path | None = None,
        root: Path = ROOT,
    ) -> None:
        self.name = name
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed at exit)
        self._process = subprocess.Popen(
            [str(python or sys.executable), "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=root,
            env=child_environment(threads, root),
        )
        try:
            self.import_mb: float | None = self._answer()["peak_mb"]
        except ContestantError:
            self.close()
            raise

    def ask(self, call: str, **arguments: Any) -> Any:
        """Make one call and wait for its result."""
        with suppress(BrokenPipeError):  # it ended before: the answer says why
            print(json.dumps({"call": call, **arguments}), file=self._pipe(self._process.stdin), flush=True)
        return self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process: no more calls will come."""
        with suppress(BrokenPipeError):
            self._pipe(self._process.stdin).close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._pipe(self._process.stdout).close()
        self._log.close()

    def _answer(self) -> Any:
        line = self._pipe(self._process.stdout).readline()
        if not line:
            self._process.wait()
            raise ContestantError(f"{self.name} ended: {self._last_words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise ContestantError(f"{self.name}: {answer['error']}")
        return answer["result"]

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = [line.strip() for line in self._log if line.strip()]
        return lines[-1] if lines else f"exit code {self._process.returncode}"

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


def child_environment(threads: int, root: Path = ROOT) -> dict[str, str]:
    """The environment of this process with equal threads, no GPU, and the benchmarks on the path.

    Not ``src``: it would hide an installed Gatecast with its kernels.
    """
    given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    paths = [str(root), *map(os.path.abspath, given)]
    limits = {f"{name}_NUM_THREADS": str(threads) for name in THREAD_VARIABLES}
    return os.environ | limits | {
        "POLARS_MAX_THREADS": str(threads),
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONWARNINGS": "ignore",
    }  # fmt: skip


def peers_python() -> tuple[Path | None, str]:
    """The interpreter of the peers' environment; or None and why there is none."""
    folder = Path(os.environ.get("GATECAST_PEERS", PEERS)).expanduser()
    for place in ("bin/python", "Scripts/python.exe"):
        if (folder / place).exists():
            return folder / place, ""
    return None, f"no environment at {folder}; make it with benchmarks/peers/setup, or set GATECAST_PEERS"
