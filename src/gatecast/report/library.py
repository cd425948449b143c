"""plotly.js, which draws the figures of a page; the Python package ``plotly`` carries it (extra ``report``)."""

from __future__ import annotations

import importlib.util

from gatecast.errors import ConfigError

__all__ = ["plotly_javascript", "require_report_library"]


def require_report_library() -> None:
    """Raise ConfigError where plotly is missing; nothing is imported. To be called before any work is done."""
    if importlib.util.find_spec("plotly") is None:
        raise ConfigError("a report needs plotly: pip install 'gatecast[report]'.")


def plotly_javascript() -> str:
    """The whole of plotly.js, ready to stand inside a script element.

    The package has this one bundle only; the smaller ones for the web are not in it.
    """
    require_report_library()
    from plotly.offline import get_plotlyjs

    # a script element ends at the first "</script", even inside a string of the script
    return str(get_plotlyjs()).replace("</script", "<\\/script")
