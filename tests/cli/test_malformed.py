"""Malformed inputs: one clear line and exit code 2, or a sane forecast; never a traceback."""

from __future__ import annotations

import gzip
import io
import math
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

LONGEST = 500
Make = Callable[[Path], list[str]]


def good(rows: int = 40) -> list[str]:
    """Lines of a table that has nothing wrong."""
    months = np.datetime64("2020-01") + np.arange(rows)
    return ["month,sales", *(f"{m}-01,{100 + k + 9 * math.sin(k):.2f}" for k, m in enumerate(months))]


def edited(*changes: tuple[int, str]) -> str:
    """The good table with some lines replaced."""
    lines = good()
    for at, text in changes:
        lines[at] = text
    return "\n".join(lines)


def text(content: str | bytes, name: str = "bad.csv", *more: str, horizon: object = 3) -> Make:
    """A command on a file with this content."""

    def make(folder: Path) -> list[str]:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return ["forecast", str(path), "--horizon", str(horizon), *more]

    return make


def options(*words: str, content: str = edited(), horizon: object = 3) -> Make:
    """The good table with these options."""
    return text(content, "good.csv", *words, horizon=horizon)


def plain(*words: str) -> Make:
    """A command without a file."""
    return lambda _: list(words)


def hostile_archive(folder: Path) -> list[str]:
    with tarfile.open(folder / "bad.tgz", "w:gz") as tar:
        member = tarfile.TarInfo("../../escaped.csv")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"a\n1"))
    return ["forecast", "--example", "ridership", "--data", str(folder / "bad.tgz"), "--horizon", "3"]


def archive(content: bytes) -> Make:
    def make(folder: Path) -> list[str]:
        (folder / "bad.tgz").write_bytes(content)
        return ["forecast", "--example", "ridership", "--data", str(folder / "bad.tgz"), "--horizon", "3"]

    return make


def parquet(cut: int) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"ds": range(40), "y": range(40)}).write_parquet(buffer)
    return buffer.getvalue()[:-cut]


def weekday_table(*last: str) -> str:
    """Days with a covariate; ``last`` are lines at its end."""
    days = np.datetime64("2021-01-04") + np.arange(42)
    lines = [f"{d},{100 + k % 7},{'WE'[k % 7 > 4]}" for k, d in enumerate(days)]
    return "\n".join(["day,units,kind", *lines, *last])


def folder_in_place_of_file(folder: Path) -> list[str]:
    (folder / "bad.csv").mkdir()
    return ["forecast", str(folder / "bad.csv"), "--horizon", "3"]


def two_roles(folder: Path) -> list[str]:
    return [*text(edited())(folder), "--target", "sales", "--past", "sales"]


KIND = ("--target", "units", "--future-columns", "kind")

# what is wrong -> (how to make it, a word that the line has to say)
REFUSED: dict[str, tuple[Make, str]] = {
    "empty file": (text(""), "empty"),
    "blank lines only": (text("\n\n  \n"), "empty"),
    "header only": (text("month,sales\n"), "no rows"),
    "one row": (text("\n".join(good()[:2])), ""),
    "two rows": (text("\n".join(good()[:3])), ""),
    "no header": (text("\n".join(good()[1:])), "header"),
    "all missing": (text("month,sales\n" + "".join(f"2020-{m:02}-01,\n" for m in range(1, 13))), ""),
    "text in numbers": (text(edited((5, "2020-05-01,many"))), "many"),
    "infinite value": (text(edited((5, "2020-05-01,inf"))), "infinite"),
    "duplicate time": (text(edited((6, "2020-05-01,3"))), "2 rows"),
    "a gap": (text("\n".join(good()[:9] + good()[12:])), "gaps"),
    "mixed frequencies": (text("ds,y\n2020-01-01,1\n2020-01-02,2\n2020-02-01,3\n2020-03-01,4\n2021-01-01,5\n"), ""),
    "no dates": (text(edited((5, "soon,3"))), "soon"),
    "impossible date": (text(edited((5, "2020-02-31,3"))), "2020-02-31"),
    "missing date": (text(edited((5, ",3"))), ""),
    "ragged rows": (text(edited((5, "2020-05-01,3,4,5"))), ""),
    "duplicate column names": (text("month,sales,sales\n" + "\n".join(f"{r},1" for r in good()[1:])), "sales"),
    "only dates": (text("month\n" + "\n".join(r.split(",")[0] for r in good()[1:])), ""),
    "binary file": (text(bytes(range(256)) * 8), ""),
    "binary parquet": (text(b"\x00\x01PAR" * 40, "bad.parquet"), "cannot be read"),
    "truncated parquet": (text(parquet(9), "bad.parquet"), "cannot be read"),
    "broken JSON": (text('[{"ds": 1, "y": 2}, {"ds": ', "bad.json"), "cannot be read"),
    "broken JSON lines": (text('{"ds": 1, "y": 2}\n{"ds": \n', "bad.jsonl"), "cannot be read"),
    "JSON that is no table": (text("3", "bad.json"), ""),
    "truncated gzip": (text(gzip.compress(edited().encode())[:-20], "bad.csv.gz"), "cannot be read"),
    "unknown kind of file": (text("x", "bad.docx"), "unknown kind"),
    "a folder": (folder_in_place_of_file, "folder"),
    "no such file": (plain("forecast", "absent.csv"), "does not exist"),
    "no file at all": (plain("forecast"), "--example"),
    "file and example": (options("--example", "airline"), "not both"),
    "no such column": (options("--target", "sails"), "did you mean 'sales'"),
    "no such series column": (options("--series", "shop"), "shop"),
    "no such time column": (options("--time", "mont"), "month"),
    "one column in two roles": (two_roles, "sales"),
    "too short for the horizon": (options(horizon=39), ""),
    "horizon 0": (options(horizon=0), "horizon"),
    "horizon negative": (options(horizon=-3), "horizon"),
    "horizon huge": (options(horizon=10**12), ""),
    "horizon no number": (options(horizon="ten"), "whole number"),
    "horizon a fraction": (options(horizon=1.5), "whole number"),
    "lookback above the length": (options("--lookback", "400"), "lookback"),
    "lookback 0": (options("--lookback", "0"), "lookback"),
    "members 0": (options("--members", "0"), "members"),
    "time limit 0": (options("--time-limit", "0"), "time"),
    "time limit nan": (options("--time-limit", "nan"), "time"),
    "origins 0": (options("--origins", "0"), "origins"),
    "origins too many": (options("--origins", "99"), "origins"),
    "quantile above 1": (options("--quantiles", "0.1,0.5,1.2"), "quantiles"),
    "quantiles no numbers": (options("--quantiles", "low,high"), "quantiles"),
    "quantiles without the middle": (options("--quantiles", ""), "quantiles"),
    "unknown loss": (options("--loss", "msse"), "mse"),
    "unknown scaling": (options("--scaling", "standart"), "standard"),
    "scaling without its number": (options("--scaling", "seasonal-difference"), "number"),
    "log of negative numbers": (options("--scaling", "log", content=edited((5, "2020-05-01,-3"))), "above zero"),
    "unknown device": (options("--device", "abacus"), "abacus"),
    "unknown frequency": (options("--frequency", "fortnight"), "fortnight"),
    "wrong frequency": (options("--frequency", "h"), ""),
    "unknown gaps": (options("--gaps", "fill"), "missing"),
    "unknown example": (plain("forecast", "--example", "airlin"), "airline"),
    "unknown demo": (plain("demo", "airlin"), "airline"),
    "unknown command": (plain("forcast", "x.csv"), "forecast"),
    "unknown option": (options("--horizn", "3"), "--horizon"),
    "option without its value": (plain("forecast", "--horizon"), "--horizon"),
    "hidden size 0": (options("--hidden-size", "0"), "--hidden-size"),
    "dropout 1": (options("--dropout", "1"), "dropout"),
    "learning rate negative": (options("--lr", "-1"), "lr"),
    "seed no number": (options("--seed", "x"), "whole number"),
    "future without covariates": (options("--future", "kind=W"), "without any"),
    "future missing": (text(weekday_table(), "bad.csv", *KIND), "'kind' is missing"),
    "future too short": (text(weekday_table("2021-02-15,,W"), "bad.csv", *KIND), "'kind' is missing"),
    "future unknown category": (text(weekday_table(), "bad.csv", *KIND, "--future", "kind=X"), "X"),
    "future unknown name": (text(weekday_table(), "bad.csv", *KIND, "--future", "kin=W"), "kind"),
    "future bad syntax": (text(weekday_table(), "bad.csv", *KIND, "--future", "kind=W", "--future", "W"), "NAME=VALUE"),
    "future twice": (text(weekday_table(), "bad.csv", *KIND, "--future", "kind=W", "--future", "kind=E"), "twice"),
    "future file absent": (text(weekday_table(), "bad.csv", *KIND, "--future", "absent.csv"), "does not exist"),
    "output to a missing folder": (options("--output", "absent/f.csv"), "does not exist"),
    "output of an unknown kind": (options("--output", "f.docx"), "unknown kind"),
    "plot to a missing folder": (options("--plot", "absent/f.png"), "does not exist"),
    "plot of an unknown kind": (options("--plot", "f.gif2"), "unknown kind"),
    "save to a missing folder": (options("--save", "absent/m.gatecast"), "does not exist"),
    "save onto a folder": (options("--save", "."), "folder"),
    "archive with a path out of it": (hostile_archive, "no copy"),
    "archive that is none": (archive(b"not an archive"), ""),
    "archive truncated": (archive(gzip.compress(b"x" * 4000)[:30]), ""),
    "archive absent": (plain("forecast", "--example", "ridership", "--data", "absent.tgz"), "absent.tgz"),
    "demo of an absent archive": (plain("info", "absent.gatecast"), "absent.gatecast"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_clear_line(run, tmp_path: Path, tiny: list[str], name: str) -> None:
    make, word = REFUSED[name]
    words = make(tmp_path)
    quick = [*_without(tiny, words), "--json"] if words[0] == "forecast" and len(words) > 2 else []
    result = run(*words, *quick)
    assert result.code == 2, result.out + result.err
    assert result.err.startswith("error: ")
    if quick:
        assert (result.json["exit_code"], f"error: {result.json['error']['message']}\n") == (2, result.err)
    else:
        assert result.out == ""
    assert result.err.count("\n") == 1
    assert len(result.err) <= LONGEST
    assert "Traceback" not in result.err
    assert word in result.err
    assert not list(tmp_path.parent.glob("**/escaped.csv"))


def _without(tiny: list[str], words: list[str]) -> list[str]:
    """The quick settings that the case does not set itself."""
    pairs = zip(tiny[::2], tiny[1::2], strict=True)
    return [word for option, value in pairs if option not in words for word in (option, value)]


def noisy(change: Callable[[list[str]], list[str]]) -> str:
    lines = good()
    return "\n".join([lines[0], *change(lines[1:])])


# odd, and yet there is a forecast
ACCEPTED: dict[str, Make] = {
    "constant series": text("ds,y\n" + "".join(f"{k},5\n" for k in range(40))),
    "all zero": text("ds,y\n" + "".join(f"{k},0\n" for k in range(40))),
    "unsorted": text(noisy(lambda rows: rows[::-1])),
    "missing values": text(edited((5, "2020-05-01,"), (9, "2020-09-01,NA"))),
    "gaps as missing": text("\n".join(good()[:9] + good()[12:]), "bad.csv", "--gaps", "missing"),
    "semicolons, comma, day first": text(
        "Datum;Wert\n" + "".join(f"{d:02}.01.2021;{d},5\n" for d in range(1, 31)), "bad.csv"
    ),
    "not UTF-8": text(
        "Monat;Erlös\n".encode("latin-1") + b"".join(b"%d;%d\n" % (k, k % 5) for k in range(1, 40)),
        "bad.csv",
        "--time",
        "Monat",
    ),
    "byte order mark": text(b"\xef\xbb\xbf" + edited().encode()),
    "huge values": text("ds,y\n" + "".join(f"{k},{1e30 * (2 + math.sin(k))}\n" for k in range(40))),
    "tiny values": text("ds,y\n" + "".join(f"{k},{1e-30 * (2 + math.sin(k))}\n" for k in range(40))),
    "a great step": text("ds,y\n" + "".join(f"{k},{k % 3 if k < 30 else 1e9}\n" for k in range(40))),
    "very short": text("\n".join(good()[:9])),
    "zero after the training part": text(edited((38, "2023-02-01,0"))),
    "series of one and of many rows": text(
        "id,ds,y\n" + "".join(f"a,{k},{k % 5}\n" for k in range(40)) + "b,1,3\n", "bad.csv"
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_odd_and_yet_a_finite_forecast(run, tmp_path: Path, tiny: list[str], name: str) -> None:
    words = ACCEPTED[name](tmp_path)
    result = run(*words, *_without(tiny, words), "--json")
    assert result.code == 0, result.err
    for part in result.json["forecast"]:
        assert len(part["forecast"]) == 3
        assert all(isinstance(value, float) for value in part["forecast"])
        assert all(isinstance(value, float) for row in part["quantiles"].values() for value in row)


def test_ambiguous_dates_are_refused_or_said(run, tmp_path: Path, tiny: list[str]) -> None:
    rows = "".join(f"{d:02}/{d:02}/2021,{d}\n" for d in range(1, 13))
    (tmp_path / "bad.csv").write_text("day,y\n" + rows)
    result = run("forecast", "bad.csv", "--horizon", 2, *tiny)
    assert result.code in (0, 2)
    assert "Traceback" not in result.err


# ---------------------------------------------------------------- model files


def _damaged(fitted: Path, folder: Path, damage: Callable[[bytes], bytes]) -> Path:
    path = folder / "bad.gatecast"
    path.write_bytes(damage(fitted.read_bytes()))
    return path


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "truncated": lambda raw: raw[: len(raw) // 2],
    "without its last byte": lambda raw: raw[:-1],
    "one tensor byte changed": lambda raw: raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:],
    "longer": lambda raw: raw + b"more",
    "header length huge": lambda raw: b"\xff" * 8 + raw[8:],
    "header no JSON": lambda raw: raw[:8] + b"x" + raw[9:],
    "a pickle": lambda _: b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix",
    "text": lambda _: b"month,sales\n",
}


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_damaged_model_files(run, fitted: Path, sales: Path, tmp_path: Path, name: str, command: str) -> None:
    bad = _damaged(fitted, tmp_path, DAMAGES[name])
    words = ["predict", bad, sales] if command == "predict" else ["evaluate", sales, "--model", bad]
    result = run(*words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert "bad.gatecast" in result.err


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("month,revenue\n" + "\n".join(good()[1:]), "revenue"),
        ("day,sales\n" + "".join(f"2020-01-{d:02},{d}\n" for d in range(1, 29)), ""),
        ("month,sales\n", "no rows"),
    ],
)
def test_tables_that_do_not_fit_the_model(run, fitted: Path, tmp_path: Path, content: str, word: str) -> None:
    (tmp_path / "bad.csv").write_text(content)
    result = run("predict", fitted, "bad.csv")
    assert result.code == 2
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert word in result.err


def test_there_are_enough_cases() -> None:
    assert len(REFUSED) + len(ACCEPTED) >= 45
