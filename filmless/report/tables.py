"""Tables in HTML: a caption, scoped heads, no empty cell, thousands separators; every text escaped.

Units stand in the column names. `[x]` means not available (shorthand of the Government Analysis Function).
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

MISSING = "[x]"


def number(value: float, digits: int = 3) -> str:
    """At least `digits` significant digits, never fewer than the whole number; commas in thousands."""
    if not np.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    decimals = digits - 1 - int(np.floor(np.log10(abs(value))))
    return f"{value:,.{max(0, min(decimals, 6))}f}"


def cell(value: Any) -> str:
    """One value as text, not yet escaped."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    if isinstance(value, float | np.floating):
        return number(float(value))
    text = "" if value is None or value is pd.NaT else str(value).strip()
    return text or MISSING


def records(data: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries by column name."""
    return [{str(k): v for k, v in row.items()} for row in data.to_dict("records")]


def problems(data: pd.DataFrame) -> list[str]:
    """What keeps a table from being shown."""
    heads = [str(c).strip() for c in data.columns]
    out = []
    if data.empty:
        out.append("its data table has no rows")
    if not all(heads):
        out.append("a column of its data table has no name")
    if len(set(heads)) < len(heads):
        out.append("two columns of its data table have the same name")
    return out


def _is_number(data: pd.DataFrame, column: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(data[column])) and not pd.api.types.is_bool_dtype(data[column])


def _row(values: Sequence[Any], numeric: Sequence[bool], heads: int) -> str:
    cells = []
    for i, value in enumerate(values):
        text, kind = escape(cell(value)), ' class="n"' if numeric[i] else ""
        cells.append(f'<th scope="row">{text}</th>' if i < heads else f"<td{kind}>{text}</td>")
    return f"<tr>{''.join(cells)}</tr>"


LONG = 12  # rows; a longer table is folded


def folded(data: pd.DataFrame, caption: str, row_heads: int = 1) -> str:
    """The table; behind a disclosure where it is long."""
    table = html_table(data, caption, row_heads)
    if len(data) <= LONG:
        return table
    return f"<details><summary>Table, {len(data)} rows: {escape(caption)}</summary>{table}</details>"


def html_table(data: pd.DataFrame, caption: str, row_heads: int = 1) -> str:
    """The table, in a box that scrolls by keyboard where it is wider than the page.

    `row_heads` columns at the left name their row.

    Raises:
        ValueError: no rows, or columns without or with equal names.
    """
    found = problems(data)
    if found:
        raise ValueError(f"table '{caption}' cannot be shown: {'; '.join(found)}")
    numeric = [_is_number(data, c) for c in data.columns]
    head = "".join(f'<th scope="col"{" class=n" if n else ""}>{escape(str(c))}</th>'
                   for c, n in zip(data.columns, numeric, strict=True))  # fmt: skip
    body = "".join(_row(values, numeric, row_heads) for values in data.itertuples(index=False, name=None))
    label = escape(f"Table: {caption}", quote=True)
    return (f'<div class="scroll" role="region" tabindex="0" aria-label="{label}"><table><caption>{escape(caption)}'
            f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")  # fmt: skip
