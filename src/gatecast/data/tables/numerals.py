"""Numbers in text, as people write them: the whole column is the evidence for what a dot or a comma means.

"€1,461.50"  "1.234,5"  "1'234"  "(120)"  "12-"  "12 %"  "3.5K"  "1 234"        each a number
"1.011" beside "974"                                                             1011: the column goes on smoothly so
"12,345" everywhere, and nothing beside it                                       a question
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from gatecast.errors import PanelError, Part, Setting

__all__ = [
    "DASHES",
    "MARKS",
    "NOTHING",
    "PLAIN_HINTS",
    "Hints",
    "Numerals",
    "empty_cells",
    "hints_of",
    "read_numerals",
]

# Cells that stand for nothing: these say so themselves,
NOTHING = ("", "na", "nan", "null", "none", "<na>")
# these hardly mean anything else, which is told,
MARKS = (
    *("n/a", "#n/a", "#na", "#n/v", "#nv", "?", "??", ".", "..", "...", "…", "*", "n.a.", "n. a.", "k.a.", "n.d."),
    *("#div/0!", "#value!", "#ref!", "#null!", "#wert!", "missing", "nil", "\\n", "(null)", "s/d", "n/d"),
)
# and these may be zero as well.
DASHES = ("-", "--", "---", "–", "—")

_CURRENCY = (
    r"(?:us\$|r\$|a\$|c\$|nz\$|hk\$|[$€£¥₹₽₩₺₪฿]|usd|eur|euros?|gbp|chf|sfr\.?|fr\.|jpy|cny|rmb|inr|rs\.?|krw|"
    r"kr\.?|sek|nok|dkk|zł|pln|czk|kč|huf|try|aud|cad|nzd|brl|mxn|zar|sgd|hkd)"
)
_SCALES = {
    **dict.fromkeys(("k", "tsd", "thousand"), 1e3),
    **dict.fromkeys(("m", "mn", "mio", "mln", "million", "millions", "millionen"), 1e6),
    **dict.fromkeys(("b", "bn", "mrd", "mld", "billion", "billions", "milliarden"), 1e9),
    **dict.fromkeys(("tn", "trillion"), 1e12),
}
_SCALE = rf"^(.*[0-9])(?: ?({'|'.join(s for s in _SCALES if s != 'm')})\.?|(m))$"
_GROUPED = r"^[0-9]{1,3}(?:[' ][0-9]{3})+(?:[.,][0-9]+)?$"


@dataclass(frozen=True)
class Hints:
    """What the rest of a table says of its numbers.

    Args:
        decimal: the decimal sign that the user named.
        na: cells that stand for nothing, as the user says.
        comma: whether commas are rather decimal signs, as in files with semicolons.
        others: the decimal sign that other columns show; None where they differ.
        dotted: whether dates are written with dots, as where dots group thousands.
        english: whether dates have the month first, as where commas group thousands.
        exact: whether the cells come from typed numbers, so that a dot is a decimal sign.
    """

    decimal: str | None = None
    na: tuple[str, ...] = ()
    comma: bool = False
    others: str | None = None
    dotted: bool = False
    english: bool = False
    exact: bool = False


PLAIN_HINTS = Hints()


@dataclass(frozen=True)
class Numerals:
    """A column of text as numbers.

    Args:
        values: (R,) float64, null where the cell stands for nothing or is no number.
        missing: (R,) whether the cell stands for nothing.
        marked: (R,) whether it does so by a mark that was not agreed on, such as N/A.
        notes: what was not obvious.
        decimal: the decimal sign that its dots and commas were read by; None where it has none.
    """

    values: pl.Series
    missing: pl.Series
    marked: pl.Series
    notes: list[Part] = field(default_factory=list)
    decimal: str | None = None

    @property
    def wrong(self) -> pl.Series:
        """(R,) whether the cell holds something that is no number."""
        return self.values.is_null() & ~self.missing


def read_numerals(text: pl.Series, hints: Hints = PLAIN_HINTS, *, ask: bool = True, called: str = "column") -> Numerals:
    """Read a text column as numbers.

    Args:
        text: (R,) cells, with the name that messages give them.
        hints: what the rest of the table says.
        ask: whether two readings that both fit are an error; else dots and commas are decimal signs then.
        called: what messages call the cells: a column, or a row of a table that is turned.

    Raises:
        PanelError: commas or dots may mean two things (with ``ask``).
    """
    plain = text.cast(pl.Float64, strict=False)
    if plain.null_count() == text.null_count() and _plain_enough(text, hints):
        values = plain.fill_nan(None)
        return Numerals(values, values.is_null(), pl.Series([False]).new_from_index(0, len(text)))
    return _Column(text, hints, ask, called).read()


def _plain_enough(text: pl.Series, hints: Hints) -> bool:
    """Whether a dot cannot stand before three digits of a thousand: some cell has another number of digits there."""
    if hints.exact or hints.decimal == "." or hints.na:
        return not hints.na
    sample = text.head(1000).drop_nulls()
    if not sample.str.contains(_THOUSAND_DOTS).any():
        return sample.str.contains(".", literal=True).any() or not text.str.contains(_THOUSAND_DOTS).any()
    return sample.str.contains(r"\.[0-9]{1,2}$|\.[0-9]{4,}$|^-?0?\.[0-9]|[eE]").any()


_THOUSAND_DOTS = r"^ *[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+ *$"


def empty_cells(text: pl.Series, hints: Hints) -> tuple[pl.Series, pl.Series]:
    """(R,) whether a stripped cell says by itself that it holds nothing, and whether it is a mark that is told."""
    lower = text.str.to_lowercase()
    nothing = text.is_null() | lower.is_in([*NOTHING]).fill_null(True) | text.is_in([*hints.na]).fill_null(False)
    return nothing, lower.is_in([*MARKS]).fill_null(False) & ~nothing


class _Column:
    """One column on its way from text to numbers."""

    def __init__(self, text: pl.Series, hints: Hints, ask: bool, called: str) -> None:
        self.name, self.hints, self.ask = f"{called} {text.name!r}", hints, ask
        self.decimal: str | None = None
        self.in_doubt = False  # whether other columns alone say that the sign is that of decimals
        self.given = text
        self.notes: list[Part] = []
        text = text.str.strip_chars()
        nothing, self.marked = empty_cells(text, hints)
        self.missing = nothing | self.marked
        self.text = text.str.to_lowercase().set(self.missing, None)

    def read(self) -> Numerals:
        text = self._plain_signs(self.text)
        text, negative = self._sign(text)
        text = self._without_currency(text)
        text, factor = self._scale(text)
        text, negative = self._minus(text, negative)
        grouped = text.str.contains(_GROUPED).fill_null(False)
        text = text.zip_with(~grouped, text.str.replace_all(r"[' ]", ""))
        text = self._with_dots(text)
        numbers = text.cast(pl.Float64, strict=False)
        signed = numbers * negative.cast(pl.Float64).fill_null(0) * -2 + numbers
        values = (signed * factor).fill_nan(None)
        missing = self.missing | (values.is_null() & text.is_in(["nan", "+nan"]).fill_null(False))
        return Numerals(values, missing, self.marked, self.notes, self.decimal)

    def _plain_signs(self, text: pl.Series) -> pl.Series:
        if text.str.contains(r"[^\x00-\x7F]").any():
            text = text.str.normalize("NFKC").str.replace_all("[−–]", "-").str.replace_all("[’‘´`]", "'")
            text = text.str.replace_all(r"\s", " ")
        return text

    def _sign(self, text: pl.Series) -> tuple[pl.Series, pl.Series]:
        """(120) and 120- are negative, as accountants write."""
        wrapped = text.str.contains(r"^\(.*[0-9].*\)$") | text.str.contains(r"[0-9 %][-]$")
        if not wrapped.any():
            return text, wrapped
        inner = text.str.replace(r"^\((.*)\)$", "$1").str.strip_chars_end("-").str.strip_chars()
        self._say(wrapped, "{0} is read as a negative number")
        return text.zip_with(~wrapped.fill_null(False), inner), wrapped

    def _without_currency(self, text: pl.Series) -> pl.Series:
        """Signs of one currency, or of percent, at either end of the cells."""
        money = rf"^([+-]?) ?{_CURRENCY} ?([+-]?)(\.?[0-9].*)$|^([+-]?\.?[0-9].*[0-9.]|[0-9]) ?{_CURRENCY}$"
        found = text.str.contains(money).fill_null(False)
        if found.any():
            sign = text.str.extract(rf"({_CURRENCY})").str.strip_chars(".")
            most = sign.filter(found).mode()[0]
            found &= (sign == most).fill_null(False)  # two currencies in a column are no numbers
            text = text.zip_with(~found, text.str.replace(money, "${1}${2}${3}${4}"))
            self._say(found, "{0} is read without its currency")
        percent = text.str.contains(r"[0-9] ?%$").fill_null(False)
        if percent.any() and percent.sum() > (text.is_not_null() & (text != "0")).sum() / 2:
            self._say(percent, "{0} is read in percent, without the sign")
            text = text.str.replace(r"^(.*[0-9]) ?%$", "$1")
            bare = ~percent & (text != "0").fill_null(False) & (text.str.contains("%") | text.is_not_null())
            text = text.set(bare & text.is_not_null(), "no percent sign")
        return text

    def _scale(self, text: pl.Series) -> tuple[pl.Series, pl.Series]:
        suffix = text.str.extract(_SCALE, 2).fill_null(text.str.extract(_SCALE, 3))
        if suffix.null_count() == len(suffix):
            return text, pl.Series([1.0]).new_from_index(0, len(text))
        self._say(suffix.is_not_null(), "{0} is read with its thousands or millions")
        factor = suffix.replace_strict(list(_SCALES), list(_SCALES.values()), default=1.0, return_dtype=pl.Float64)
        return text.str.replace(_SCALE, "$1"), factor

    def _minus(self, text: pl.Series, negative: pl.Series) -> tuple[pl.Series, pl.Series]:
        minus = text.str.starts_with("-")
        return text.str.replace(r"^[+-] ?", ""), minus ^ negative

    def _say(self, cells: pl.Series, words: str) -> None:
        first = int(cells.fill_null(False).arg_max() or 0)
        self.notes.append(f"{self.name}: {words.format(repr(self.given[first]))}")

    # ---------------------------------------------------------------- dots and commas

    def _with_dots(self, text: pl.Series) -> pl.Series:
        """The numbers with a dot before their decimals and nothing before their thousands."""
        signs = text.filter(text.str.contains(r"[.,]").fill_null(False))
        if not len(signs):
            return text
        sign = self.decimal = self._decimal_sign(text, signs)
        group = "." if sign == "," else ","
        number = rf"^(?:[0-9]+|[0-9]{{1,3}}(?:\{group}[0-9]{{3}})+)?(?:\{sign}[0-9]*)?(?:e[+-]?[0-9]+)?$"
        fits = text.str.contains(number) & ~text.str.contains(r"^\W*$")
        plain = text.str.replace_all(group, "", literal=True).str.replace(sign, ".", literal=True)
        expected = self.hints.comma or self.hints.others == ","
        if sign == "," and self.hints.decimal is None and (self.in_doubt or not expected):
            at = int(text.str.contains(",", literal=True).fill_null(False).arg_max() or 0)
            self.notes.append(f"{self.name}: {self.given[at]!r} is read as {plain[at]}, with a decimal comma")
        if group == "." and signs.str.contains(r"^[0-9]{1,3}(?:\.[0-9]{3})+$").any():
            dots = text.str.contains(r"^[0-9]{1,3}(?:\.[0-9]{3})+$")
            at = int(dots.fill_null(False).arg_max() or 0)
            told = f"{self.given[at]!r} is read as {plain[at]}, with dots between thousands"
            self.notes.append((f"{self.name}: {told} (", Setting("decimal", ",", of="read"), ")"))
        words = text.str.contains("^(?:inf|infinity|nan)$")
        return plain.zip_with((fits | words).fill_null(True), pl.Series(["no number"]).new_from_index(0, len(text)))

    def _decimal_sign(self, text: pl.Series, signs: pl.Series) -> str:
        if self.hints.decimal is not None:
            return self.hints.decimal
        if self.hints.exact and not signs.str.contains(r",|\..*\.").any():
            return "."
        comma, dot = votes(signs)
        if comma != dot:
            return "," if comma > dot else "."
        commas = signs.str.contains(",", literal=True)
        if comma or (commas.any() and not commas.all()):
            return "," if self.hints.comma or self.hints.others == "," else "."
        return self._of_thousands(text, signs, "," if commas.all() else ".")

    def _of_thousands(self, text: pl.Series, signs: pl.Series, sign: str) -> str:
        """All cells with a sign have three digits behind it: thousands, or decimals?"""
        bare = text.filter(text.str.contains("^[0-9]+$").fill_null(False)).cast(pl.Float64)
        if (bare >= 1000).any():
            return sign
        # decimals cut of their zeros would have one or two digits somewhere: whole numbers beside them say thousands
        short = int((bare > 0).sum())
        cut = short > 1 and (sign == "," or self.hints.comma or self.hints.dotted)
        english = sign == "," and self.hints.english and not self.hints.comma
        if cut or english or (short and self._smoother_with_thousands(text, sign)):
            return self._thousands(signs, sign)
        if self.hints.others is not None:
            self.in_doubt = sign == self.hints.others
            return sign if self.in_doubt else self._thousands(signs, sign)
        if sign == "." and not self.hints.dotted:
            if self.hints.comma:
                told = f"{self.name}: {signs[0]!r} is read as it stands, with decimals ("
                self.notes.append((told, Setting("decimal", ",", of="read"), " reads thousands)"))
            return sign
        return self._question(signs, sign)

    def _thousands(self, signs: pl.Series, sign: str) -> str:
        if sign == ",":
            plain = signs[0].replace(",", "")
            told = f"{self.name}: {signs[0]!r} is read as {plain}, with commas between thousands"
            self.notes.append((f"{told} (", Setting("decimal", ".", of="read"), ")"))
        return "." if sign == "," else ","

    def _smoother_with_thousands(self, text: pl.Series, sign: str) -> bool:
        """Whether the column goes on from row to row with smaller changes if the sign stands between thousands."""
        grouped, decimal = (
            _roughness(text.str.replace_all(sign, by, literal=True).cast(pl.Float64, strict=False)) for by in ("", ".")
        )
        return grouped < 0.95 * decimal

    def _question(self, signs: pl.Series, sign: str) -> str:
        if not self.ask:
            return sign
        cell = signs[0]
        grouped, decimal = cell.replace(sign, ""), cell.replace(sign, ".")
        raise PanelError(
            f"{cell!r} in {self.name} may be {grouped} or {decimal}: every {sign!r} there stands before three "
            "digits. Pass ",
            Setting("decimal", "." if sign == "," else ",", of="read"),
            f" for {grouped} or ",
            Setting("decimal", sign, of="read"),
            f" for {decimal}.",
        )


def votes(signs: pl.Series) -> tuple[int, int]:
    """How many cells show that the comma, and how many that the dot is the decimal sign."""
    has_comma, has_dot = signs.str.contains(",", literal=True), signs.str.contains(".", literal=True)
    both, last_comma = has_comma & has_dot, signs.str.contains(r",[^.]*$")
    several = signs.str.contains(r",.*,"), signs.str.contains(r"\..*\.")
    single = ~both & ~several[0] & ~several[1]
    thousand = signs.str.contains(r"^[1-9][0-9]{0,2}[.,][0-9]{3}$")
    comma = (both & last_comma) | (several[1] & ~has_comma) | (single & has_comma & ~thousand)
    dot = (both & ~last_comma) | (several[0] & ~has_dot) | (single & has_dot & ~thousand)
    return int(comma.sum()), int(dot.sum())


def _roughness(values: pl.Series) -> float:
    """Sum of the relative changes from row to row."""
    return float(values.abs().log1p().diff().abs().sum())


def hints_of(frame: pl.DataFrame, comma: bool, decimal: str | None, na: tuple[str, ...]) -> Hints:
    """What a look at some rows of a table says of its numbers."""
    sample = frame.head(300)
    texts = [sample[name].drop_nulls().str.strip_chars() for name, kind in frame.schema.items() if kind == pl.String]
    dotted = any(text.str.contains(r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2,4}").any() for text in texts)
    english = any(text.str.contains(r"^[0-9]{1,2}/(?:1[3-9]|2[0-9]|3[01])/[0-9]{2,4}").any() for text in texts)
    shown = set[str]()
    for text in texts:
        numbers = text.filter(text.str.contains(r"^[^0-9A-Za-z]{0,3}[0-9][0-9.,]*[.,][0-9.,]*[0-9][^0-9A-Za-z]{0,3}$"))
        numbers = numbers.filter(~numbers.str.contains(r"^[0-9]{1,4}[.][0-9]{1,2}[.][0-9]{1,4}$"))
        numbers = numbers.str.replace_all(r"[^0-9.,]", "")
        commas, dots = votes(numbers)
        shown |= {"," if commas > dots else "."} if commas != dots else set()
    others = shown.pop() if len(shown) == 1 else None
    return Hints(decimal, na, comma, others, dotted, english)
