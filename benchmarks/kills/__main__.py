"""kill -9 at random moments, inside writes too: ``python -m benchmarks.kills --kills 100``.

A blend on the airline series, a panel of fifty series, a backtest and a tuning, each killed several times in a row and
then run to its end; what it ends with is compared, byte by byte, with that of a run that was never killed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.arguments import count
from benchmarks.kills.works import WORKS

__all__ = ["killed"]

EACH = 5  # kills in a row before a run may come to its end


def killed(work: str, kills: int, *, each: int = EACH, seed: int = 0, small: bool = False) -> dict[str, Any]:
    """What a piece of work came to over so many kills.

    Args:
        work: one of ``WORKS``.
        kills: rounded up to a multiple of ``each``.
        each: kills in a row.
        seed: of the moments.
        small: less work.

    Returns:
        seconds of a run in one go; kills that hit before the end; drafts of files that they left; rounds; and how many
        of these ended with the same bytes.
    """
    with tempfile.TemporaryDirectory(prefix="gatecast-kills-") as name:
        words = ["--rounds", str(-(-kills // each)), "--kills", str(each), "--seed", str(seed)]
        command = [sys.executable, "-m", "benchmarks.kills.driver", work, name, *words, *(["--small"] if small else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if not done.stdout:
            raise RuntimeError(f"{work} failed, see above")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def main() -> int:
    """Print a table; exit with 1 where something ended otherwise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills")
    parser.add_argument("works", nargs="*", default=list(WORKS), help=f"some of {', '.join(WORKS)}")
    parser.add_argument("--kills", type=count, default=100, help="of all works together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="less work, for a first look")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    given = parser.parse_args()
    found = {}
    print("| work | seconds in one go | kills | in a write | ends | the same bytes |\n|---|---|---|---|---|---|")
    for work in given.works:
        found[work] = one = killed(work, -(-given.kills // len(given.works)), seed=given.seed, small=given.small)
        print(f"| {work} | {one['seconds']:.1f} | {one['kills']} | {one['drafts']} | {one['rounds']} | {one['same']} |")
    if given.output is not None:
        given.output.write_text(json.dumps(found, indent=1))
    return 0 if all(one["same"] == one["rounds"] for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
