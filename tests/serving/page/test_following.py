"""What-if, live and jobs, in a real browser."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from gatecast.serving.http.tokens import ALL, Token, Tokens

from .conftest import Open
from .visited import Visit, overflow, rows, texts, until

SLOW = {
    "kind": "fit",
    "horizon": 6,
    "settings": {"candidates": 1, "training": {"max_epochs": 10**5, "patience": 10**6}},
}


def path(page: Any, look: str) -> str | None:
    found: str | None = page.evaluate(
        "look => document.querySelector(`#what-if .plot .${look} path`)?.getAttribute('d') ?? null", look
    )
    return found


def test_what_if_moves_the_forecast_at_once(visit: Visit, followed: httpx.Client) -> None:
    page = visit.open("what-if/shop")
    page.wait_for_selector("#what-said")
    assert path(page, "other") is None
    page.select_option("#what-if-series", "south")
    page.wait_for_selector("#what-if .plot svg[aria-label^='south']")
    field = page.locator("#what-if .future tbody tr:nth-child(3) input")
    field.fill("9")
    page.wait_for_selector("#what-said:text('With your changes')")
    coming = followed.get("/v1/series/south", params={"model": "shop"}).json()["coming"]["rows"]
    asked = {"model": "shop", "series": ["south"], "future": coming}
    before = sum(followed.post("/v1/forecast", json=asked).json()["forecast"][0]["forecast"])
    coming[1]["price"] = 9
    after = sum(followed.post("/v1/forecast", json=asked).json()["forecast"][0]["forecast"])
    assert page.inner_text("#what-said").startswith(f"With your changes: {after:,.0f} in all (")
    assert page.inner_text("#what-said").endswith(f"before the change {before:,.0f}.")
    moved = path(page, "other")
    assert moved is not None
    page.locator("#what-if input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    until(page, lambda: path(page, "other") != moved)
    page.click("text=As it was")
    assert path(page, "other") is None
    assert page.input_value("#what-if .future tbody tr:nth-child(3) input") != "9"


def test_what_if_says_when_there_is_nothing_to_change(visit: Visit, followed: httpx.Client) -> None:
    page = visit.open("what-if/airline")
    page.wait_for_selector("#what-if .empty")
    assert "airline knows no covariate ahead" in page.inner_text("#what-if .empty")


def test_rows_arrive_while_one_looks_on(visit: Visit, followed: httpx.Client) -> None:
    page = visit.open("live/airline")
    page.wait_for_selector("#live .state.on")
    assert "Too few rows" in page.inner_text("#live .verdict") or rows(page, ".arrived")
    told = {
        "model": "airline",
        "rows": [{"ds": "1961-01-01", "Passengers": 450}, {"ds": "1961-02-01", "Passengers": 2000}],
    }
    assert followed.post("/v1/observe", json=told).status_code == 200
    page.wait_for_selector("#arrived:text('1961-02')")
    page.wait_for_selector(".arrived tbody tr:has-text('1961-02')")
    newest = rows(page, ".arrived")[0]
    assert newest[:2] == ["1961-02", "2000"]
    assert newest[3] == "odd"
    assert page.locator("#live .plot .odd circle, #live .plot .odd path[d*=L]").count() > 0
    assert texts(page, "#live .key li")[-1] == "odd"
    page.click("text=Put in the next row by hand")
    page.fill("#next-Passengers", "480")
    page.click("#next-row button")
    page.wait_for_selector(".arrived tbody tr:has-text('1961-03')")
    assert page.evaluate("document.querySelector('#next-row').open")
    assert followed.get("/v1/series/Passengers", params={"model": "airline"}).json()["history"][0]["value"][-1] == 480


def test_drift_is_told_in_words(visit: Visit, followed: httpx.Client, shop_table: dict[str, list[Any]]) -> None:
    days = [f"2024-03-{day:02d}" for day in range(1, 25)]
    late = {"shop": ["north"] * 24, "day": days, "price": [1.0] * 24, "units": [500.0 + 40 * k for k in range(24)]}
    assert followed.post("/v1/observe", json={"model": "shop", "rows": late}).status_code == 200
    page = visit.open("live/shop/north")
    page.wait_for_selector("#live .verdict.worse")
    assert page.inner_text("#live .verdict .lead").startswith("Drifting: the newest errors are larger")
    assert "repeats their last values" in page.inner_text("#live .hint")


def test_jobs_can_be_watched_and_cancelled(visit: Visit, service: httpx.Client, airline: dict[str, list[Any]]) -> None:
    table = "\n".join(["ds,y", *(f"{a},{b}" for a, b in zip(*airline.values(), strict=True))]).encode()
    for name in ("first.csv", "second.csv"):
        answer = service.post("/v1/jobs", files={"file": (name, table)}, data={"request": json.dumps(SLOW)})
        assert answer.status_code == 202, answer.text
    page = visit.open("jobs")
    page.wait_for_selector("tr:has-text('first.csv') .state.running")
    assert page.inner_text("tr:has-text('second.csv') .state") == "queued"
    page.click("[aria-label='Cancel fit, second.csv']")
    page.wait_for_selector("tr:has-text('second.csv') .state.cancelled")
    page.wait_for_selector("tr:has-text('first.csv') small:text('epoch')")
    page.click("[aria-label='Log of fit, first.csv']")
    page.wait_for_selector(".log pre:text('started')")
    page.click("[aria-label='Cancel fit, first.csv']")
    page.wait_for_selector("tr:has-text('first.csv') .state.cancelled")
    page.wait_for_selector(".log pre:text('cancelled')")
    page.click("[aria-label='Delete fit, second.csv']")
    page.wait_for_selector("tr:has-text('second.csv')", state="detached")


def test_times_are_those_of_the_reader(visits: Open, service: httpx.Client) -> None:
    """The log and the list of jobs: east of here and west of here one moment has two names."""
    data = {"request": json.dumps({"kind": "fit"})}
    job = service.post("/v1/jobs", files={"file": ("zones.csv", b"ds,y\n2024-01-01,1\n")}, data=data).json()
    begun = datetime.fromtimestamp(job["created"], UTC)
    for zone in ("Asia/Tokyo", "America/New_York"):
        page = visits(zone=zone).open("jobs")
        local = begun.astimezone(ZoneInfo(zone))
        page.wait_for_selector(f"tr:has-text('zones.csv'):has-text('{local:%Y-%m-%d %H:%M}')")
        page.click("[aria-label='Log of fit, zones.csv']")
        page.wait_for_selector(f".log pre:text('{local:%Y-%m-%d %H:}')")


def test_the_page_asks_for_a_token(visits: Open, serve: Any, airline_file: Any, tmp_path: Any) -> None:
    import hashlib

    secret = "0123456789abcdef-secret"
    tokens = Tokens((Token("desk", ALL, hashlib.sha256(secret.encode()).digest()),))
    with serve(str(tmp_path / "store.db"), airline_file, tokens=tokens) as client:
        visit = visits(str(client.base_url))
        page = visit.open("jobs")
        page.wait_for_selector("dialog[open]")
        page.fill("#token-text", "a wrong token of some length")
        page.keyboard.press("Enter")
        page.wait_for_selector("#token-wrong:text('not known')")
        page.fill("#token-text", secret)
        page.keyboard.press("Enter")
        page.wait_for_selector("#jobs .empty")
        visit.expect("401")
        page.click("nav >> text=Live")
        page.wait_for_selector("#live-model")
        page.wait_for_selector("#live .empty, #live .state.on")
        assert secret not in page.url
        assert secret not in page.content()
        visit.page.goto("about:blank")


def test_parts_can_be_reached_by_keys(visit: Visit, followed: httpx.Client) -> None:
    page = visit.page
    page.goto(visit.base)
    page.wait_for_selector("html[data-part=forecast]", state="attached")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")  # past the name of the program
    for part in ("forecast", "what-if", "live", "jobs"):
        page.focus(f"nav a:has(+ a[href='#{part}']), .top .name:has(+ nav a[href='#{part}']:first-child)")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector(f"html[data-part='{part}']", state="attached")
        assert page.get_attribute("nav a[aria-current=page]", "href") == f"#{part}"
        assert page.locator("h1:visible").count() == 1
        assert overflow(page) == 0


def test_what_is_typed_stays_whatever_arrives(visit: Visit, followed: httpx.Client) -> None:
    page = visit.open("live/airline")
    page.wait_for_selector("#live .state.on")
    page.click("text=Put in the next row by hand")
    page.fill("#next-Passengers", "480")
    [row] = followed.get("/v1/series/Passengers", params={"model": "airline"}).json()["coming"]["rows"][:1]
    told = {"model": "airline", "rows": [{**row, "Passengers": 471}]}
    assert followed.post("/v1/observe", json=told).status_code == 200
    page.wait_for_selector(".arrived tbody tr:has-text('471')")
    assert page.input_value("#next-Passengers") == "480"
