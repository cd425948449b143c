"""The page as text: whole, harmless, in order, and honest in its words."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gatecast.backtesting.backtest import Backtest
from gatecast.data.panel import Panel
from gatecast.data.schema import Schema
from gatecast.ensemble.blend import Blend
from gatecast.ensemble.expert import SmoothingExpert
from gatecast.errors import ConfigError
from gatecast.report import require_report_library, write_report
from gatecast.report.drawing import end_labels
from gatecast.report.library import plotly_javascript
from gatecast.report.markup import Figure, Key, data_script
from gatecast.report.summary import verdict

from .conftest import HOSTILE, Make, dated, waves
from .outline import data_element, outline_of

pytest.importorskip("plotly", reason="plotly is not installed: it is in the extra report")


def page_of(result: Backtest, folder: Path) -> str:
    write_report(result, folder / "page.html")
    return (folder / "page.html").read_text("utf-8")


def figures_of(text: str) -> dict[str, Any]:
    return data_element(text, "figures")


def variants(tiny: Make, panel_of: Callable[..., Panel]) -> dict[str, Callable[[], Backtest]]:
    gaps = waves()
    gaps[0][[5, 30, 31, 50, 55]] = np.nan
    late = replace(dated(panel_of(waves(2))), starts=np.array(["2001-01-01", "2003-05-01"], "datetime64[us]"))
    return {
        "one step": lambda: tiny(horizon=1),
        "one origin": lambda: tiny(origins=1),
        "median alone": lambda: tiny(quantiles=(0.5,)),
        "many quantiles": lambda: tiny(quantiles=(0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)),
        "gaps": lambda: tiny(dated(panel_of(gaps))),
        "other ends": lambda: tiny(late),
        "refit": lambda: tiny(refit=True, warm=True),
        "folded steps": lambda: tiny(network={"hidden_size": 4, "skip": 2, "patch": 2}),
        "two layers": lambda: tiny(network={"hidden_size": 80, "num_layers": 2}, members=1),
        "no validation": lambda: tiny(training={"max_epochs": 1, "steps_per_epoch": 1, "validation": 0.0}),
        "constant": lambda: tiny(panel_of([np.full(60, 3.0)])),
        "point loss": lambda: tiny(training={"max_epochs": 1, "steps_per_epoch": 1, "loss": "mse"}),
        "shorter than the lookback": lambda: tiny(panel_of(waves(3, 26)), lookback=None),
        "many series": lambda: tiny(panel_of(waves(45)), members=1),
        "hours": lambda: tiny(dated(panel_of(waves()), "1h", "2020-02-28T20:00")),
    }  # fmt: skip


NAMES = (
    "one step", "one origin", "median alone", "many quantiles", "gaps", "other ends", "refit", "folded steps",
    "two layers", "no validation", "constant", "point loss", "shorter than the lookback", "many series", "hours",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_backtest_makes_a_whole_page(
    name: str, tiny: Make, panel_of: Callable[..., Panel], tmp_path: Path, one_thread: None
) -> None:
    import plotly.graph_objects

    text = page_of(variants(tiny, panel_of)[name](), tmp_path)
    outline = outline_of(text)
    figures = figures_of(text)
    assert {one["id"] for one in outline.all("div") if one.get("class") == "plot"} == set(figures)
    for figure in figures.values():
        plotly.graph_objects.Figure(figure)  # refuses what plotly does not know
    body = text[: text.index('id="figures"')]
    assert not re.search(r"\bnan\b|\bNaN\b|\binf\b|None", re.sub(r"<style>.*?</style>", "", body, flags=re.DOTALL))


def test_page_is_in_order(single: Backtest, tmp_path: Path) -> None:
    text = page_of(single, tmp_path)
    outline = outline_of(text)
    assert outline.all("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in outline.found if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [one["id"] for _, one in outline.found if "id" in one]
    assert len(set(ids)) == len(ids)
    assert all(one.get("scope") in {"row", "col"} for one in outline.all("th"))
    assert all(one["href"][1:] in ids for one in outline.all("a") if one["href"])
    assert text.index("Verdict</h2>") < text.index("</table>") < text.index('id="fan-0"') < text.index('id="gates"')
    assert text.count("plotly.js v") == 1


def test_experts_of_a_blend_are_told_with_their_weights(single: Backtest, tmp_path: Path) -> None:
    assert "a blend of" not in page_of(single, tmp_path)
    model = single.model.clone(fitted=True)
    main = model.fitted_.main
    experts = (main, replace(main), SmoothingExpert(model.horizon, model.fitted_.season))
    blend = Blend(experts, (0.5, 0.25, 0.25), (("a", 10.0), ("blend", 9.0)))
    model.fitted_ = replace(model.fitted_, blend=blend)
    page = page_of(replace(single, model=model), tmp_path).replace("\u00a0", " ")
    assert "a blend of 2 candidates and an exponential smoothing. On the validation data" in page
    assert "10 % better than the best candidate alone." in page
    rows = re.findall(r"weight (0\.\d\d)</th>\s*<td[^>]*>([^<]*)<", page)
    plan = model.plan_.describe()
    assert rows == [("0.50", plan), ("0.25", plan), ("0.25", "exponential smoothing")]
    assert f"{plan}; what follows, and the curves, are about it" in page


def test_page_names_no_other_place(single: Backtest, tmp_path: Path) -> None:
    text = page_of(single, tmp_path).replace(plotly_javascript(), "")
    assert "//" not in re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    assert "default-src 'none'" in text
    for _, attributes in outline_of(text).found:
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith(("#", "data:,"))
    assert len(text) < 200_000


def test_hostile_names_stay_text(hostile: Backtest, tmp_path: Path) -> None:
    text = page_of(hostile, tmp_path)
    outline = outline_of(text)
    assert len(outline.all("script")) == 3
    assert outline.all("img") == []
    for name in HOSTILE[:2]:
        assert name not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_data_cannot_end_its_script() -> None:
    figure = Figure("one", "", "", "", [{"name": "</script><!--\u2028"}], {"height": 1})
    text = data_script([figure])
    assert text.count("<") == 2
    assert figures_of(text)["one-plot"]["data"][0]["name"] == "</script><!--\u2028"


def test_labels_at_lines_are_text_and_keep_apart() -> None:
    ends = [(9, y, Key(f"<b>{y}", "#000000")) for y in (5.0, 0.99, 1.0, 5.0)]
    labels = end_labels(ends, 0.0, 5.0)
    assert {label["text"] for label in labels} == {"&lt;b&gt;0.99", "&lt;b&gt;1.0", "&lt;b&gt;5.0"}
    places = [label["y"] for label in labels]
    assert places == sorted(places)
    assert np.diff(places).min() > 0.3
    assert places[-1] < 5
    assert places[0] == 0.99


def test_only_series_that_are_shown_are_in_the_page(tiny: Make, panel_of: Callable[..., Panel], tmp_path: Path) -> None:
    result = tiny(replace(panel_of(waves(45)), ids=tuple(f"number-{n}-" for n in range(45))), members=1)
    text = page_of(result, tmp_path)
    shown = set(re.findall(r"number-\d+-", text))
    assert 20 <= len(shown) <= 23
    assert [name for name in figures_of(text) if name.startswith("fan")] == [f"fan-{n}-plot" for n in range(3)]
    errors = {name: table["lstm"]["mase"] for name, table in result.per_series().items()}
    ranked = sorted(errors, key=lambda name: errors[name])
    for word, name in (("Best", ranked[0]), ("Median", ranked[22]), ("Worst", ranked[-1])):
        assert f"{word} of 45 series: {name}" in text


def test_numbers_of_the_page_are_those_of_the_scores(single: Backtest, tmp_path: Path) -> None:
    text = page_of(single, tmp_path)
    figures, scores = figures_of(text), single.scores
    (ours,) = [trace for trace in figures["steps-plot"]["data"] if trace["name"] == "gatecast LSTM"]
    np.testing.assert_allclose(ours["y"], scores.per_step["lstm"]["mase"], rtol=1e-3)
    (ours,) = [trace for trace in figures["origins-plot"]["data"] if trace["name"] == "gatecast LSTM"]
    errors = [table["lstm"]["mase"] for table in single.per_origin().values()]
    np.testing.assert_allclose(ours["y"], errors, rtol=1e-3)
    held = figures["bins-plot"]["data"][0]["y"]
    assert sum(held) == pytest.approx(100, abs=0.1)
    assert sum(held[1:-1]) == pytest.approx(100 * scores.table["lstm"]["coverage_95"], abs=0.1)
    below = next(t for t in figures["quantiles-plot"]["data"] if t["name"] == "gatecast LSTM")["y"]
    np.testing.assert_allclose(below, np.cumsum(held)[:-1], atol=0.1)
    (median,) = [trace for trace in figures["fan-0-plot"]["data"] if trace.get("name") == "LSTM, median"]
    last = np.asarray(single.evaluation.point_BHC)[-1, :, 0]
    np.testing.assert_allclose(median["y"][-5:-1], last, rtol=1e-3)


def test_cells_of_the_page_are_those_of_the_network(single: Backtest, tmp_path: Path) -> None:
    import torch

    gates = figures_of(page_of(single, tmp_path))["gates-plot"]["data"]
    model, found = single.model, single.evaluation
    past = found.panel.slice(0, found.origin_B.max() + 1)
    reader = model.fitted_.main.reader(past)
    batch = reader.read(np.zeros(1, np.int64), past.stop - 1, targets=False, origins=1)
    with torch.inference_mode():
        _, (_, c) = model.fitted_.main.members[0].network.lstm(torch.from_numpy(batch.context_BLF))
    last = [row[-1] for row in gates[4]["z"]]
    np.testing.assert_allclose(sorted(last), sorted(c[0, 0].tolist()), atol=0.01)
    assert gates[0]["x"] == gates[1]["x"]
    forgets = np.array(gates[1]["z"]).mean(axis=1)
    assert (np.diff(forgets) >= -0.01).all(), "what remembers longest is on top"


class Said:
    """Stands for a backtest of which only the verdict is known."""

    def __init__(self, text: str, symptoms: tuple[str, ...] = (), outcome: str = "better") -> None:
        self.scores, self.outcome = self, outcome
        self.verdict, self.symptoms = " ".join((text, *symptoms)), symptoms


@pytest.mark.parametrize(
    ("text", "kind", "lead"),
    [
        ("Better than drift by 10 %. So it is.", "better", "Better than drift by 10\u00a0%."),
        ("NOT better than drift: its MASE is 0.51, the LSTM's 0.61. So.", "worse", "NOT better than drift: its"),
        ("NOT clearly better than drift.", "undecided", "NOT clearly better than drift."),
        ("No verdict: nothing to compare with.", "undecided", "No verdict: nothing to compare with."),
    ],
)
def test_verdict_is_coloured_by_outcome(text: str, kind: str, lead: str) -> None:
    html = verdict(Said(text, ("Bias: too high. Try this.", "Lag copy: so."), kind))  # type: ignore[arg-type]
    assert f'class="verdict {kind}"' in html
    assert f'<p class="lead">{lead}' in html
    assert html.count("<li>") == 2
    assert html.index("<li>") > html.index("</p>")


def test_the_colour_is_that_of_the_scores(single: Backtest) -> None:
    assert f'class="verdict {single.scores.outcome}"' in verdict(single)
    assert single.scores.outcome in ("better", "undecided", "worse")


def test_paths_that_cannot_be_written_are_told(single: Backtest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        write_report(single, tmp_path / "no" / "such" / "folder.html")
    single.report(tmp_path / "method.html")
    assert (tmp_path / "method.html").exists()


def test_missing_library_is_told_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    require_report_library()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'gatecast\[report\]'"):
        require_report_library()


def test_schema_of_the_hostile_panel_is_hostile(hostile: Backtest) -> None:
    assert isinstance(hostile.evaluation.panel.schema, Schema)
    assert "</script>" in hostile.evaluation.panel.targets[0]
