"""Six realistic files: five are read right with no more than a target, one after the option that the error names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.data.tables.realistic import FILES, Realistic

from gatecast.data.panel import Panel
from gatecast.data.tables.reading import read
from gatecast.errors import PanelError

AT_ONCE = sorted(set(FILES) - {"retail"})


def require_truth(panel: Panel, made: Realistic) -> None:
    """Every value, every time and every series is what the file holds, and nothing else was read."""
    assert len(panel) == len(made.truth)
    for n, name in enumerate(panel.ids):
        wanted = made.truth[name] if len(panel) > 1 else next(iter(made.truth.values()))
        np.testing.assert_array_equal(panel.series(n)[:, 0], wanted, err_msg=name)
        np.testing.assert_array_equal(panel.times(n).astype("datetime64[s]"), np.array(made.times, "datetime64[s]"))


def written(made: Realistic, folder: Path) -> Path:
    path = folder / made.name
    path.write_bytes(made.raw)
    return path


@pytest.mark.parametrize("name", AT_ONCE)
def test_right_at_the_first_try(name: str, tmp_path: Path) -> None:
    if name == "spreadsheet":
        pytest.importorskip("xlsxwriter", reason="spreadsheets are made by xlsxwriter (the extra excel)")
        pytest.importorskip("fastexcel", reason="spreadsheets are read by fastexcel (the extra excel)")
    made = FILES[name]()
    require_truth(read(written(made, tmp_path), target=made.target or None, dtype=np.float64), made)


def test_right_after_the_option_that_the_error_names(tmp_path: Path) -> None:
    made = FILES["retail"]()
    path = written(made, tmp_path)
    with pytest.raises(PanelError, match="2 of 3 series have no Sundays") as caught:
        read(path, target=made.target)
    first = caught.value.remedies[0]
    assert first == {"setting": "gaps", "of": "read", "value": "zero"}
    panel = read(path, target=made.target, dtype=np.float64, **{first["setting"]: first["value"]})
    require_truth(panel, made)
    promo = read(path, target=made.target, future="Promo", gaps="zero")  # a shut shop has no promotion
    assert promo.schema.future[0].name == "Promo"
