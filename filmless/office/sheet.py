"""A sheet of the model: title in A1, notes below it, one header row, then rows; numbers right, words left."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet


@dataclass(frozen=True)
class Live:
    """A formula with the result that the program computed."""

    formula: str
    value: float | str


Cell = Live | str | float | int | None


class Book:
    """A workbook with the formats of the house."""

    def __init__(self, path: str, title: str, version: str, made_for: Any) -> None:
        self.book = Workbook(path)
        self.book.set_properties({"title": title, "author": f"filmless {version}", "subject": "Savings case",
                                  "comments": "Live formulas with stored results", "created": made_for})  # fmt: skip
        self.book.set_calc_mode("auto")
        bold = {"bold": True, "font_size": 14}
        self.title = self.book.add_format(bold)
        self.head = self.book.add_format({"bold": True, "text_wrap": True, "bottom": 1, "valign": "top"})
        self.words = self.book.add_format({"text_wrap": True, "valign": "top"})
        self.money = self.book.add_format({"num_format": "#,##0"})
        self.plain = self.book.add_format({"num_format": "0.0#####"})
        self.open = self.book.add_format({"num_format": "0.0#####", "bg_color": "#D9D9D9", "border": 1})

    def sheet(self, name: str, title: str, notes: Sequence[str], head: Sequence[str],
              widths: Sequence[int] = ()) -> "Sheet":  # fmt: skip
        """A new sheet; rows are appended."""
        found = self.book.add_worksheet(name)
        found.write_string(0, 0, title, self.title)
        for i, note in enumerate(notes, 1):
            found.write_string(i, 0, note)
        for column, width in enumerate(widths):
            found.set_column(column, column, width)
        for column, text in enumerate(head):
            found.write_string(len(notes) + 1, column, text, self.head)
        return Sheet(self, found, name, len(notes) + 2)

    def define(self, name: str, sheet: str, row: int, column: int) -> None:
        """A name that points at a cell."""
        self.book.define_name(name, f"='{sheet}'!{xl_rowcol_to_cell(row, column, True, True)}")

    def close(self) -> None:
        """Write the file."""
        self.book.close()


@dataclass
class Sheet:
    """Rows of one sheet."""

    book: Book
    inner: Worksheet
    name: str
    next: int
    first: int = -1

    def __post_init__(self) -> None:
        self.first = self.next

    def append(self, cells: Sequence[Cell], number: Any = None, words: Any = None) -> int:
        """Write a row; returns its number, from 0."""
        for column, cell in enumerate(cells):
            self.put(self.next, column, cell, number or self.book.money, words)
        self.next += 1
        return self.next - 1

    def put(self, row: int, column: int, cell: Cell, number: Any, words: Any = None) -> None:
        """Write one cell; words are never taken for formulas or addresses."""
        if cell is None:
            return
        if isinstance(cell, Live):
            self.inner.write_formula(row, column, cell.formula, number, cell.value)
        elif isinstance(cell, str):
            self.inner.write_string(row, column, cell, words)
        elif cell != cell:
            self.inner.write_string(row, column, "[x]", words)
        else:
            self.inner.write_number(row, column, cell, number)

    def span(self, column: int, last_column: int | None = None) -> str:
        """All rows so far of a column (or of columns), as an absolute range of this sheet."""
        begin = xl_rowcol_to_cell(self.first, column, True, True)
        end = xl_rowcol_to_cell(self.next - 1, column if last_column is None else last_column, True, True)
        return f"{self.name}!{begin}:{end}"

    def at(self, row: int, column: int, fixed: bool = True) -> str:
        """A cell of this sheet as seen from others."""
        return f"{self.name}!{xl_rowcol_to_cell(row, column, fixed, fixed)}"
