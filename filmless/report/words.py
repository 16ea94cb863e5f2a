"""Numbers in words: one unit for a group of values, a number with its interval, a difference in a sentence."""

import math
import re
from datetime import date

import numpy as np

from filmless.report.tables import MISSING, number

# Cc and Cf characters (controls, bidirectional overrides) and lone surrogates: they have no place in a name
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
DURATIONS = ((86_400.0, "days", 2.0), (3600.0, "hours", 2.0), (60.0, "minutes", 2.0), (1.0, "seconds", 1.0))


def clean(text: str) -> str:
    """A name from outside, without characters that nobody sees."""
    return _UNSEEN.sub(" ", text).strip()


def duration_unit(largest_s: float) -> tuple[float, str]:
    """The unit in which a group of durations reads best: its seconds, its name."""
    for seconds, name, least in DURATIONS:
        if largest_s >= least * seconds:
            return seconds, name
    return 1e-3, "milliseconds"


def duration(seconds: float) -> str:
    """One duration with its unit: 2.70 days."""
    if not np.isfinite(seconds):
        return MISSING
    size, name = duration_unit(abs(seconds))
    return f"{number(seconds / size)} {name}"


def short_duration(seconds: float) -> str:
    """The same for a narrow column: 2.70 d, 13.8 min, 64.0 ms."""
    text = duration(seconds)
    for long, short in (("milliseconds", "ms"), ("seconds", "s"), ("minutes", "min"), ("hours", "h"), ("days", "d")):
        if text.endswith(f" {long}"):
            return f"{text.removesuffix(long)}{short}"
    return text


def ranged(low: float, high: float, unit: str = "") -> str:
    """An interval: 2.68 to 2.72 days; or that there is none."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return "no interval"
    tail = f" {unit}" if unit else ""
    digits = next((d for d in (3, 4, 5) if number(low, d) != number(high, d)), 3)  # ends that look alike say nothing
    return f"{number(low, digits)} to {number(high, digits)}{tail}"


def change(difference_s: float, low_s: float, high_s: float) -> tuple[str, str]:
    """How PACS changed a duration (film less PACS): "11.2 hours shorter", "95 % interval: 10.9 to 11.5 hours"."""
    if np.isfinite(low_s) and low_s <= 0 <= high_s:
        return "not clearly different", f"difference {short_duration(difference_s)}, interval includes 0"
    size, name = duration_unit(abs(difference_s))
    word = "shorter" if difference_s > 0 else "longer"
    ends = sorted(abs(x) / size for x in (low_s, high_s))
    return f"{number(abs(difference_s) / size)} {name} {word}", ranged(ends[0], ends[1], name)


def period(start: str, end: str) -> str:
    """Dates of a run: 5 to 9 March 2007."""
    a, b = date.fromisoformat(start), date.fromisoformat(end)
    if a == b:
        return f"{a.day} {a:%B %Y}"
    if (a.year, a.month) == (b.year, b.month):
        return f"{a.day} to {b.day} {b:%B %Y}"
    return f"{a.day} {a:%B %Y} to {b.day} {b:%B %Y}"


SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$"}


def symbol(currency: str) -> str:
    """What stands before an amount: £, or a currency's code and a space."""
    return SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}")


def money(value: float, currency: str) -> str:
    """Money in a sentence: £25.8 million."""
    sign, value = ("-" if value < 0 else ""), abs(value)
    for size, name in ((1e9, " billion"), (1e6, " million"), (1e3, " thousand")):
        if value >= size:
            return f"{sign}{symbol(currency)}{number(value / size)}{name}"
    return f"{sign}{symbol(currency)}{number(value)}"


def money_within(value: float, low: float, high: float, currency: str) -> str:
    """Money to the power of ten below a twentieth of its interval: what is finer, chance decides."""
    step = 10.0 ** math.floor(math.log10((high - low) / 20)) if high > low else 0.0
    known = round(value / step) * step if step else value
    return money(known, currency) if known or not step else f"about {symbol(currency)}0"
