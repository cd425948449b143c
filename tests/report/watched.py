"""A page in a real browser, watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FITTED = """[...document.querySelectorAll('.plot')].every(
  place => place.querySelector('svg.main-svg[viewBox]') && place.dataset.width == Math.floor(place.clientWidth))"""


class Watched:
    """One page in one window, and everything it complained of or asked for: loading it is what takes time.

    Args:
        browser: a running one.
        path: the page.
        width: of the window.
        fitted: JavaScript that says whether all figures are drawn at the width of the window.
    """

    def __init__(self, browser: Any, path: Path, width: int, fitted: str = FITTED) -> None:
        self.problems: list[str] = []
        self.fitted = fitted
        self.own = f"request: {path.as_uri()}"
        self.page = browser.new_context(viewport={"width": width, "height": 800}).new_page()
        self.page.on("console", lambda said: self.problems.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", lambda asked: self.problems.append(f"request: {asked.url[:200]}"))
        self.page.on("dialog", lambda shown: (self.problems.append(f"dialog: {shown.message}"), shown.dismiss()))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-drawn]", state="attached")

    def at(self, width: int, scheme: str = "light") -> Any:
        """The page at a width and in a theme, all drawn."""
        self.page.emulate_media(media="screen", color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": 800})
        for _ in range(100):  # waiting by a function would need eval, which the page forbids
            if self.page.evaluate(self.fitted):
                return self.page
            self.page.wait_for_timeout(50)
        raise AssertionError("the figures were not drawn anew within five seconds")

    def assert_quiet(self) -> None:
        """Nothing was said, and nothing asked for but the page itself; pictures that it holds itself do not count."""
        assert self.own in self.problems, "the listener hears requests"
        assert [one for one in self.problems if one != self.own and not one.startswith("request: data:")] == []


def contrast(page: Any, selector: str) -> float:
    """Contrast of an element's text with the page, as WCAG 2 defines it."""
    return float(
        page.evaluate(
            """selector => {
              const light = text => {
                const part = text.match(/[0-9.]+/g).slice(0, 3).map(Number).map(
                  v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
              };
              const one = document.querySelector(selector), style = getComputedStyle(one);
              const inside = one instanceof SVGElement ? style.fill : style.color;
              const [a, b] = [light(inside), light(getComputedStyle(document.body).backgroundColor)];
              return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            }""",
            selector,
        )
    )


def opened(name: str, write: Callable[[Any, Path], None], width: int, fitted: str = FITTED) -> Any:
    """A fixture: the page that ``write`` makes of the fixture with a name, open and watched.

    Args:
        name: of the fixture.
        write: writes the page.
        width: of the window, in pixels.
        fitted: as for ``Watched``.
    """

    @pytest.fixture(scope="module")
    def open_page(
        request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Watched]:
        path = tmp_path_factory.mktemp(name) / "page.html"
        write(request.getfixturevalue(name), path)
        watcher = Watched(browser, path, width, fitted)
        yield watcher
        watcher.page.context.close()

    return open_page
