"""Six tables as they come out of tills, meters, spreadsheets and web pages, each with the values that it holds."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

__all__ = ["FILES", "Realistic"]


@dataclass(frozen=True)
class Realistic:
    """A file, and what is true of it.

    Args:
        name: of the file.
        raw: its bytes.
        target: columns to forecast, as a user names them.
        horizon: steps.
        truth: series -> (T,) or (T, targets) values, in the order of time.
        times: (T,) times of the longest series, without a zone.
    """

    name: str
    raw: bytes
    target: tuple[str, ...]
    horizon: int
    truth: dict[str, np.ndarray]
    times: list[dt.datetime]


def _season(count: int, period: int, seed: int, level: float = 1000.0) -> np.ndarray:
    """(count,) level, trend, season and noise."""
    steps = np.arange(count)
    noise = np.random.default_rng(seed).normal(0, 0.03, count)
    return level * (1 + 0.001 * steps + 0.2 * np.sin(2 * np.pi * steps / period) + noise)


def _delimited(rows: Sequence[Sequence[object]], delimiter: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _euros(value: float) -> str:
    """1234.5 -> "1.234,50 €"."""
    return f"{value:,.2f} €".translate(str.maketrans(",.", ".,"))


def retail() -> Realistic:
    """A till's export: a byte order mark, days before months, euros, Yes / No promotions, two of three shops shut on
    Sundays.
    """
    days = [dt.datetime(2023, 3, 1) + dt.timedelta(days=i) for i in range(420)]
    rows: list[Sequence[object]] = [("Date", "Store", "Revenue", "Promo", "Receipts")]
    truth = {}
    for seed, store in enumerate(("Hauptbahnhof", "Altstadt", "Nordring")):
        values = np.round(_season(len(days), 7, seed, 900 + 400 * seed), 2)
        for day, value in zip(days, values, strict=True):
            if store == "Hauptbahnhof" or day.weekday() != 6:
                promo = "Yes" if day.day in (3, 4, 17) else "No"
                rows.append((f"{day:%d/%m/%Y}", store, _euros(value), promo, round(value / 23)))
            else:
                values[days.index(day)] = 0.0
        truth[store] = values
    raw = b"\xef\xbb\xbf" + _delimited(rows, ";").encode()
    return Realistic("till.csv", raw, ("Revenue",), 14, truth, days)


def energy() -> Realistic:
    """A meter's local hours over a year: an hour is missing in March, and one comes twice in October."""
    zone = ZoneInfo("Europe/Berlin")
    begin = dt.datetime(2023, 3, 1, tzinfo=dt.UTC)
    hours = [begin + dt.timedelta(hours=i) for i in range(24 * 300)]
    load = np.round(_season(len(hours), 24, 7, 48_000), 1)
    rows: list[Sequence[object]] = [("Zeitpunkt", "Last [MWh]", "Temperatur")]
    for n, (hour, value) in enumerate(zip(hours, load, strict=True)):
        local = hour.astimezone(zone)
        rows.append((f"{local:%d.%m.%Y %H:%M}", f"{value:.1f}".replace(".", ","), f"{n % 17}"))
    times = [hour.replace(tzinfo=None) for hour in hours]
    return Realistic("last.csv", _delimited(rows, ";").encode("cp1252"), ("Last [MWh]",), 24, {"": load}, times)


def kpis() -> Realistic:
    """Key figures below each other, months beside each other."""
    months = [dt.datetime(2020 + m // 12, 1 + m % 12, 1) for m in range(48)]
    names = ("Revenue", "New customers", "Support tickets")
    held = {name: np.round(_season(48, 12, 20 + n, 10.0 ** (5 - n))) for n, name in enumerate(names)}
    rows: list[Sequence[object]] = [("KPI", *(f"{month:%b %Y}" for month in months))]
    rows += [(name, *(f"{value:,.0f}" for value in values)) for name, values in held.items()]
    return Realistic("kpis.csv", _delimited(rows, ",").encode(), (), 6, held, months)


def web() -> Realistic:
    """A web page's export: header lines, quoted thousands, shares in percent, a total row."""
    days = [dt.datetime(2024, 1, 1) + dt.timedelta(days=i) for i in range(182)]
    sessions = np.round(_season(182, 7, 30, 3000))
    rows: list[Sequence[object]] = [("Day", "Sessions", "Bounce rate")]
    rows += [
        (f"{day:%m/%d/%y}", f"{value:,.0f}", f"{40 + n % 9}.5%")
        for n, (day, value) in enumerate(zip(days, sessions, strict=True))
    ]
    rows.append(("Total", f"{sessions.sum():,.0f}", "44.4%"))
    head = "# ----------------\r\n# All Web Site Data\r\n# Audience Overview\r\n# 20240101-20240630\r\n# -----\r\n\r\n"
    return Realistic("analytics.csv", (head + _delimited(rows, ",")).encode(), ("Sessions",), 7, {"": sessions}, days)


def spreadsheet() -> Realistic:
    """A sheet with a title above, real dates, a unit row, a note and a sum below."""
    from xlsxwriter import Workbook

    weeks = [dt.datetime(2021, 1, 4) + dt.timedelta(weeks=i) for i in range(130)]
    pallets = np.round(_season(130, 52, 40, 220))
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "default_date_format": "dd.mm.yyyy"}) as book:
        sheet = book.add_worksheet("Deliveries")
        sheet.write(0, 0, "Deliveries by week, warehouse east")
        sheet.write_row(2, 0, ["Week of", "Pallets", "Driver"])
        for n, (week, value) in enumerate(zip(weeks, pallets, strict=True)):
            sheet.write_datetime(3 + n, 0, week)
            sheet.write_number(3 + n, 1, value)
            sheet.write_string(3 + n, 2, ("Kim", "Ole", "Ada")[n % 3])
        sheet.write_string(3 + len(weeks), 0, "Sum")
        sheet.write_formula(3 + len(weeks), 1, f"=SUM(B4:B{3 + len(weeks)})", None, pallets.sum())
    return Realistic("deliveries.xlsx", out.getvalue(), ("Pallets",), 8, {"": pallets}, weeks)


def quarters() -> Realistic:
    """Quarters in words, two regions, missing values, accounting minus."""
    begins = [dt.datetime(2008 + q // 4, 1 + 3 * (q % 4), 1) for q in range(60)]
    rows: list[Sequence[object]] = [("Quarter", "Region", "Operating result (k€)")]
    truth = {}
    for seed, region in enumerate(("North", "South")):
        values = np.round(_season(60, 4, 50 + seed, 800) - 700, 1)
        values[11 + seed] = np.nan
        for begin, value in zip(begins, values, strict=True):
            written = "n/a" if np.isnan(value) else f"{value:,.1f}" if value >= 0 else f"({-value:,.1f})"
            rows.append((f"Q{(begin.month + 2) // 3} {begin.year}", region, written))
        truth[region] = values
    return Realistic("result.csv", _delimited(rows, ",").encode(), ("Operating result (k€)",), 4, truth, begins)


FILES: dict[str, Callable[[], Realistic]] = {
    made.__name__: made for made in (retail, energy, kpis, web, spreadsheet, quarters)
}
