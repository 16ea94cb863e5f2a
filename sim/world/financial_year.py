"""Financial years. Apart from the calendar, so that checking a scenario loads no arrays."""

from datetime import date


def financial_year(day: date) -> int:
    """The year in whose April the financial year of `day` starts."""
    return day.year if day.month >= 4 else day.year - 1
