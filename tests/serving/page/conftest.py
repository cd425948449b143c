"""A service with two models, and windows on its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the service needs the extra serve")

import httpx

from .visited import Visit

Open = Callable[..., Visit]


@pytest.fixture(scope="package")
def service(
    serve: Any, airline_file: Path, shop_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A service whose models follow a year of passengers, and two shops."""
    with serve(str(tmp_path_factory.mktemp("page") / "store.db"), airline_file, shop_file) as client:
        yield client


@pytest.fixture
def visits(browser: Any, service: httpx.Client) -> Iterator[Open]:
    """Opens windows on the page; at the end none of them may have complained."""
    opened = list[Visit]()

    def open_window(base: str = "", **options: Any) -> Visit:
        opened.append(Visit(browser, base or str(service.base_url), **options))
        return opened[-1]

    yield open_window
    for one in opened:
        one.close()


@pytest.fixture
def visit(visits: Open) -> Visit:
    """One window of a desk's width."""
    return visits()


@pytest.fixture(scope="package")
def followed(service: httpx.Client, airline: dict[str, list[Any]], shop_table: dict[str, list[Any]]) -> httpx.Client:
    """The service, after its models have seen what they follow."""
    for model, rows in (("airline", airline), ("shop", shop_table)):
        answer = service.post("/v1/observe", json={"model": model, "rows": rows})
        assert answer.status_code == 200, answer.text
    return service
