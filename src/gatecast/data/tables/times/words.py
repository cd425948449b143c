"""Words that tables use for times: names of columns, months, weekdays, weeks and quarters, in the common languages."""

from __future__ import annotations

import re
import unicodedata

__all__ = [
    "CLOCK_NAMES",
    "DATE_NAMES",
    "HALF",
    "MONTHS",
    "PART_NAMES",
    "QUARTER",
    "TOTALS",
    "WEEK",
    "WEEKDAYS",
    "called_like_a_time",
    "plain_name",
]

# What columns are called, by what they hold; "plain_name" has taken accents and signs away.
PART_NAMES: dict[str, tuple[str, ...]] = {
    "year": ("year", "yr", "years", "yyyy", "jahr", "annee", "an", "ano", "anno", "jaar", "rok", "ar"),
    "half": ("half", "semester", "halbjahr", "semestre"),
    "quarter": ("quarter", "qtr", "quartal", "trimestre", "kwartaal", "kvartal"),
    "month": ("month", "mon", "mo", "mm", "months", "monat", "mois", "mes", "mese", "maand", "miesiac", "manad"),
    "week": ("week", "wk", "kw", "isoweek", "weeknumber", "woche", "kalenderwoche", "semaine", "semana", "settimana"),
    "day": ("day", "dd", "days", "dayofmonth", "tag", "jour", "dia", "giorno", "dag"),
    "hour": ("hour", "hr", "hh", "hours", "stunde", "heure", "hora", "ora", "uur", "he", "hourending"),
    "minute": ("minute", "min", "minutes", "minuto"),
    "second": ("second", "sec", "seconds", "sekunde", "seconde", "segundo"),
}
DATE_NAMES = (
    *("ds", "date", "dates", "datetime", "timestamp", "time", "dt", "datum", "dato", "fecha", "data", "periode"),
    *(
        "utc",
        "datetimeutc",
        "utctimestamp",
        "localtime",
        "zeitstempel",
        "zeitpunkt",
        "datumzeit",
        "yearmonth",
        "jahrmonat",
    ),
    *("periodo", "yearweek", "fiscalyear", "fy", "weekending", "weekbeginning", "monthending", "monthbeginning"),
)
CLOCK_NAMES = ("time", "clock", "zeit", "uhrzeit", "heure", "hora", "hour", "ora", "tijd", "timeofday", "stunde")
_STEPS = ("period", "zeitraum")
_LIKE_A_TIME = {
    *DATE_NAMES,
    *_STEPS,
    *CLOCK_NAMES,
    *(name for names in PART_NAMES.values() for name in names if len(name) > 2),
}
_LAST_WORD = re.compile(r"(date|datum|timestamp|datetime|zeit|week|month|year|quarter|jahr|monat|woche|period)$")

_MONTHS = {
    1: "january jan januar jaenner jänner janvier janv enero ene gennaio gen janeiro januari stycznia styczeń sty",
    2: "february feb februar feber février fevrier févr fevr fév febrero febbraio fevereiro fev februari luty lutego",
    3: "march mar märz maerz mär mrz mars marzo março marco maart mrt marzec marca",
    4: "april apr avril avr abril abr aprile kwiecień kwietnia kwi",
    5: "may mai mayo maggio mag maio mei maj maja",
    6: "june jun juni juin junio giugno giu junho czerwiec czerwca cze",
    7: "july jul juli juillet juil julio luglio lug julho lipiec lipca lip",
    8: "august aug août aout aoû agosto ago augustus augusti sierpień sierpnia sie",
    9: "september sep sept septembre septiembre settembre set setembro wrzesień września wrz",
    10: "october oct oktober okt octobre octubre ottobre ott outubro out październik października paź",
    11: "november nov novembre noviembre novembro listopad listopada lis",
    12: "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro grudzień grudnia gru",
}
MONTHS: dict[str, int] = {word: number for number, words in _MONTHS.items() for word in words.split()}

WEEKDAYS = (
    r"mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?|mon|tues?|wed|thurs?|thu|fri|sat|sun|"
    r"montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag|mo|di|mi|do|fr|sa|so|"
    r"lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lun|mer|jeu|ven|sam|dim|"
    r"lunes|martes|miércoles|miercoles|jueves|viernes|sábado|sabado|domingo|mié|jue|vie|sáb|dom|"
    r"lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica"
)
WEEK = r"(?:calendar ?week|week|wk|w|kw|kalenderwoche|woche|semaine|sem|semana|sett|settimana|cw)"
QUARTER = r"(?:quarters?|qtr|quartal|q|kwartał|kvartal|kw\.?tal|trimestre|trim|t)"
HALF = r"(?:half|halfyear|h|hy|halbjahr|hj|semestre|semester|s)"
TOTALS = (
    r"^\W*(?:grand |sub-?|over)?(?:total|totals|totaal|sum|summe|gesamt|gesamtsumme|insgesamt|somme|suma|totale|"
    r"ergebnis|average|mean|mittelwert|durchschnitt|moyenne|media)(?:\b.*)?$"
)


def plain_name(name: str) -> str:
    """A column's name in lower case, without accents and signs.

    >>> plain_name("Année"), plain_name("Date / Time")
    ('annee', 'datetime')
    """
    flat = unicodedata.normalize("NFKD", name).lower()
    return "".join(sign for sign in flat if sign.isalnum())


def called_like_a_time(name: str) -> bool:
    """Whether a column's name says that it holds times.

    >>> [name for name in ("week", "Jahr", "order_date", "day_type", "price") if called_like_a_time(name)]
    ['week', 'Jahr', 'order_date']
    """
    plain = plain_name(name)
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    return plain in _LIKE_A_TIME or (len(words) > 1 and bool(_LAST_WORD.fullmatch(words[-1].lower())))
