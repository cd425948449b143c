"""The page in a real browser: it draws everything, asks for nothing, and fits a phone."""

from __future__ import annotations

import pytest

from gatecast.backtesting.backtest import Backtest
from gatecast.report import write_report

from .watched import Watched, contrast, opened

PHONE, DESK = 360, 1280


single_page = opened("single", write_report, DESK)
hostile_page = opened("hostile", write_report, PHONE)


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", ["single_page", "hostile_page"])
def test_page_draws_all_and_asks_for_nothing(request: pytest.FixtureRequest, name: str, width: int) -> None:
    watcher: Watched = request.getfixturevalue(name)
    page = watcher.at(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth") == width
    plots = page.evaluate("document.querySelectorAll('.plot').length")
    assert plots == int(page.evaluate("document.documentElement.dataset.drawn")) >= 7
    # every drawing holds marks, and none is wider than its place
    drawn = page.evaluate(
        """[...document.querySelectorAll('.plot')].map(place => [place.id,
             place.querySelectorAll('.cartesianlayer .trace, .cartesianlayer .hm').length,
             place.querySelector('.main-svg').getBoundingClientRect().right])"""
    )
    for place, traces, right in drawn:
        assert traces > 0, place
        assert right <= width, place
    watcher.assert_quiet()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_stand_out(single_page: Watched, scheme: str) -> None:
    page = single_page.at(DESK, scheme)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    for selector in ("p.finding", "figcaption", ".caption", "nav a", "#steps-plot .xtick text"):
        assert contrast(page, selector) >= 4.5, selector
    # the colour that stands for ink is replaced by that of the theme
    stroke = page.evaluate(
        "[...document.querySelectorAll('#fan-0-plot .js-line')].map(one => getComputedStyle(one).stroke)"
    )
    assert page.evaluate("getComputedStyle(document.body).color") in stroke
    assert "rgb(1, 2, 3)" not in stroke
    single_page.assert_quiet()


def test_names_are_shown_as_they_are(hostile_page: Watched, hostile: Backtest) -> None:
    page = hostile_page.at(DESK)
    text = page.evaluate("document.querySelector('main').textContent")
    for name in (*hostile.evaluation.panel.ids, hostile.evaluation.panel.targets[0]):
        assert name in text
    assert page.evaluate("document.querySelectorAll('img, main script').length") == 0
    labels = page.evaluate("[...document.querySelectorAll('#gates-plot .annotation text')].map(t => t.textContent)")
    assert any("</script><b>y" in label for label in labels), "a name inside a drawing is text, too"
    hostile_page.assert_quiet()


def test_labels_stand_at_lines_where_there_is_room_and_in_a_key_elsewhere(single_page: Watched) -> None:
    at_lines = "document.querySelectorAll('#steps-plot .annotation').length"
    in_key = "document.querySelector('#steps .key').getBoundingClientRect().height > 0"
    page = single_page.at(DESK)
    assert (page.evaluate(at_lines), page.evaluate(in_key)) == (2, False)
    page = single_page.at(PHONE)
    assert (page.evaluate(at_lines), page.evaluate(in_key)) == (0, True)


def test_pointing_at_a_line_tells_its_numbers(single_page: Watched) -> None:
    page = single_page.at(DESK)
    page.locator("#fan-0-plot .nsewdrag").hover(position={"x": 700, "y": 100})
    page.wait_for_selector("#fan-0-plot .hoverlayer text")
    told = page.evaluate("document.querySelector('#fan-0-plot .hoverlayer').textContent")
    assert "LSTM, median" in told
    assert "80 %" in told.replace("\u00a0", " ")
    page.mouse.move(0, 0)
    single_page.assert_quiet()


def test_keyboard_reaches_tables_and_folds(single_page: Watched) -> None:
    page = single_page.at(PHONE)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className"))
    assert {"A.", "DIV.scroll", "SUMMARY."} <= reached


def test_paper_shows_whole_figures(single_page: Watched) -> None:
    page = single_page.at(DESK, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 680, "height": 1000})  # what A4 leaves between its margins
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    boxes = page.evaluate(
        """[...document.querySelectorAll('.plot')].map(place => {
             const [inner, outer] = [place.querySelector('svg.main-svg'), place].map(o => o.getBoundingClientRect());
             return [inner.right, inner.bottom - outer.bottom];
           })"""
    )
    for right, below in boxes:
        assert right <= 680
        assert below <= 1, "nothing of a drawing is cut off"
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    single_page.assert_quiet()
