"""Load from a process of its own: wrk, with bodies from a file, as fast as answers come or at a rate."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Load", "Told", "require_wrk"]

UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
SCRIPT = """
local bodies, at = {}, 0
for line in io.lines("BODIES") do bodies[#bodies + 1] = line end
function init(args) math.randomseed(os.time()); at = math.random(#bodies) end
function request()
  at = at % #bodies + 1
  return wrk.format("POST", "PATH", {["Content-Type"] = "application/json"}, bodies[at])
end
function done(summary, latency, requests)
  io.write(string.format("p50 %f p99 %f\\n", latency:percentile(50) / 1000, latency:percentile(99) / 1000))
  local errors = summary.errors
  io.write(string.format("wrong %d\\n", errors.connect + errors.read + errors.write + errors.status + errors.timeout))
  io.write(string.format("rate %f\\n", summary.requests / summary.duration * 1000000))
end
"""


@dataclass(frozen=True)
class Told:
    """What a load found: requests a second, milliseconds, and answers that were wrong."""

    rate: float
    p50: float
    p99: float
    wrong: int


@dataclass(frozen=True)
class Load:
    """Requests to one address.

    Args:
        url: with its path.
        bodies: a file with one body a line; each request takes the next one.
        folder: for the script.
    """

    url: str
    bodies: Path
    folder: Path

    def run(self, connections: int, seconds: float, rate: float | None = None) -> Told:
        """Ask over so many connections; with a rate each of them waits between two requests."""
        host, _, path = self.url.removeprefix("http://").partition("/")
        script = SCRIPT.replace("BODIES", str(self.bodies)).replace("PATH", f"/{path}")
        if rate is not None:
            pause = 1000 * connections / rate
            script += f"\nfunction delay() return math.random(0, {2 * pause:.0f}) end\n"
        file = self.folder / "load.lua"
        file.write_text(script)
        words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "30s", "-s", str(file)]
        out = subprocess.run([*words, f"http://{host}"], capture_output=True, text=True, check=True).stdout
        found = {name: float(value) for name, value in re.findall(r"(p50|p99|wrong|rate) ([\d.]+)", out)}
        return Told(found["rate"], found["p50"], found["p99"], int(found["wrong"]))


def require_wrk() -> None:
    """Raise SystemExit where wrk is missing."""
    if shutil.which("wrk") is None:
        raise SystemExit("This needs wrk: apt-get install wrk")
