"""The savings case: film against PACS in money, by trust, cluster and year, with all that is uncertain about it."""

from sim.answers.case.case import Case, build_case

__all__ = ["Case", "build_case"]
