"""``gatecast completion``: the script that lets a shell complete commands and options."""

from __future__ import annotations

from typing import Literal

__all__ = ["completion"]


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print the script that completes commands and options; nothing is installed.

    Args:
        shell: Where it is to run.
    """
    from gatecast.cli.main import app

    print(app.generate_completion(prog_name="gatecast", shell=shell))
    return 0
