"""Exceptions of the ledger: every study that was not simply stored and found whole, and what happened to it.

What stands here was written by the play from its own numbers; a run folder may be anybody's, so all of it is text.
"""

from collections.abc import Sequence

import pandas as pd

from filmless.report.measured import Measured
from filmless.report.simulated import Simulated
from filmless.report.words import clean
from loadtest.verdict.ledger import AGREES, KINDS, NOT_ASKED
from loadtest.verdict.records import FOUND

MOST_SHOWN = 100  # studies on a page
LONGEST = 400  # characters of what happened to one
GRAVEST = ("lost", "phantom", "duplicate", "kept", "recovered")
_QUERY = "SELECT cluster, exam, happened FROM 'ledger.parquet' WHERE happened <> ''"


def _odd(measured: Measured) -> pd.DataFrame:
    """Rows of the ledger with something to tell, the gravest first; a run from before `happened` tells its state."""
    rows = measured.ledger
    if rows.empty:
        return rows.assign(happened="")
    state = rows["state"].astype(str)
    finding = rows["finding"].fillna("").astype(str) if "finding" in rows else pd.Series("", rows.index)
    finding = finding.where(~finding.isin([AGREES, NOT_ASKED]), "")
    old = (state.where(state != "stored", "") + "; " + finding).str.strip("; ")
    told = rows["happened"].where(rows["happened"].notna(), old) if "happened" in rows else old
    rows = rows.assign(happened=[clean(str(one)) for one in told])
    rows = rows[rows["happened"] != ""]
    by = _kinds(rows, GRAVEST)
    return rows.sort_values(by, ascending=False, kind="stable", ignore_index=True) if by else rows


def _kinds(rows: pd.DataFrame, among: Sequence[str]) -> list[str]:
    return [kind for kind in among if kind in rows and pd.api.types.is_numeric_dtype(rows[kind])]


def exceptions(sim: Simulated, measured: Measured) -> pd.DataFrame:
    """One row a study, the gravest first, `MOST_SHOWN` at most: where it was, and what happened; perhaps none."""
    rows = _odd(measured).head(MOST_SHOWN)
    runs = [clean(measured.runs[int(i)].folder.name) for i in rows["run"]] if len(rows) else []
    shown = rows.reindex(columns=["cluster", "exam", "ae_title", "happened"]).astype(str)
    shown = shown.assign(happened=[_short(one) for one in shown["happened"]], ae_title=shown["ae_title"].map(clean))
    shown.insert(1, "run", runs)
    return sim.named(shown).rename(columns={"ae_title": "sent by", "happened": "what happened"})


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}... (the whole is in ledger.parquet)"


def rest(measured: Measured) -> str:
    """How many exceptions there are beside those shown, and how to read them all."""
    odd = _odd(measured)
    if odd.empty:
        return "Every study that was to be stored was stored, and found as it was answered."
    more = len(odd) - MOST_SHOWN
    counts = ", ".join(f"{int(odd[kind].sum()):,} {KINDS[kind]}" for kind in _kinds(odd, FOUND) if odd[kind].sum())
    head = f"and {more:,} more, in ledger.parquet of the run folder. " if more > 0 else ""
    objects = f"Objects: {counts}. " if counts else ""
    told, of = ("1 study is an exception", "it") if len(odd) == 1 else (f"{len(odd):,} studies are exceptions", "them")
    return f'{head}{told}. {objects}All of {of}, in the run folder: duckdb -c "{_QUERY}"'
