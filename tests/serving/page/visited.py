"""The page of a service in a real browser, watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

QUIET = 30_000  # milliseconds that something may take on a busy machine


class Visit:
    """One window on the page, and everything that it complained of.

    Args:
        browser: a running one.
        base: address of the service.
        width: of the window, in pixels.
        scheme: "light" or "dark".
        zone: time zone of its reader; that of this machine by default.
    """

    def __init__(
        self, browser: Any, base: str, width: int = 1280, scheme: str = "light", zone: str | None = None
    ) -> None:
        self.base, self.problems = base.rstrip("/"), list[str]()
        window = {"width": width, "height": 900}
        context = browser.new_context(viewport=window, color_scheme=scheme, reduced_motion="reduce", timezone_id=zone)
        context.set_default_timeout(QUIET)
        self.page = context.new_page()
        self.page.on("console", lambda said: self.problems.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("dialog", lambda shown: (self.problems.append(f"dialog: {shown.message}"), shown.dismiss()))
        self.page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((f"{self.base}/", f"blob:{self.base}/", "data:")):
            self.problems.append(f"request: {request.url[:200]}")

    def open(self, part: str = "forecast") -> Any:
        """The page, at one of its parts."""
        self.page.goto(f"{self.base}/#{part}")
        self.page.wait_for_selector(f"html[data-part='{part.partition('/')[0]}']", state="attached")
        return self.page

    def expect(self, word: str) -> None:
        """Take out complaints that a test meant to bring about. Fails where there is none."""
        kept = [one for one in self.problems if word not in one]
        assert len(kept) < len(self.problems), f"nothing said {word}"
        self.problems = kept

    def close(self) -> None:
        """Nothing was said, and nothing asked of anybody else."""
        self.page.context.close()
        assert self.problems == []


def until(page: Any, true: Callable[[], object]) -> None:
    """Wait for something to be so. Waiting by JavaScript would need eval, which the page forbids."""
    for _ in range(QUIET // 50):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not come to be so")


def texts(page: Any, selector: str) -> list[str]:
    """The texts of all elements that are found, with plain spaces."""
    found: list[str] = page.locator(selector).all_inner_texts()
    return [text.replace("\u00a0", " ") for text in found]


def rows(page: Any, selector: str) -> list[list[str]]:
    """The body of a table."""
    found: list[list[str]] = page.evaluate(
        """s => [...document.querySelectorAll(`${s} tbody tr`)].map(
             row => [...row.children].map(cell => cell.textContent))""",
        selector,
    )
    return [[cell.replace("\u00a0", " ") for cell in row] for row in found]


def overflow(page: Any) -> int:
    """Pixels by which the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
