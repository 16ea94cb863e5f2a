"""Published tables: ODS by the rules of the public sector's spreadsheets (17 to 20 of the house's list)."""

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from filmless.failures import BadInput, Failed
from filmless.office import libreoffice
from filmless.office.write import check_names
from sim.answers.case import Case

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
DATA = ("Summary", "By_cluster", "By_year", "By_line", "By_trust", "Inputs")


@pytest.fixture(scope="module")
def content(files: tuple[Path, Path]) -> ET.Element:
    with zipfile.ZipFile(files[1]) as file:
        return ET.fromstring(file.read("content.xml"))


@pytest.fixture(scope="module")
def sheets(content: ET.Element) -> dict[str, list[list[tuple[str, str]]]]:
    """Rows of each sheet as (type, text), up to the last that is filled; one list a sheet."""
    out: dict[str, list[list[tuple[str, str]]]] = {}
    for sheet in content.iter(f"{TABLE}table"):
        rows = []
        for row in sheet.iter(f"{TABLE}table-row"):
            cells = [(c.get(f"{OFFICE}value-type", ""), "".join(c.itertext())) for c in row for _ in range(_times(c))]
            while cells and not cells[-1][1]:
                cells.pop()
            rows += [cells] * min(int(row.get(f"{TABLE}number-rows-repeated", "1")), 3)
        while rows and not rows[-1]:
            rows.pop()
        out[str(sheet.get(f"{TABLE}name"))] = rows
    return out


def _times(cell: ET.Element) -> int:
    return min(int(cell.get(f"{TABLE}number-columns-repeated", "1")), 50)


Sheets = dict[str, list[list[tuple[str, str]]]]


def test_cover_contents_and_notes_come_first_in_column_a(sheets: Sheets) -> None:
    assert list(sheets)[:3] == ["Cover", "Contents", "Notes"]
    assert tuple(sheets)[3:] == DATA
    assert all(len(row) <= 1 for row in sheets["Cover"])
    words = " ".join(row[0][1] for row in sheets["Cover"] if row)
    for word in ("Version", "Organisation", "Contact", "do not add"):
        assert word in words
    assert {row[0][1] for row in sheets["Contents"][3:]} >= set(DATA)


def test_properties_are_set(files: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(files[1]) as file:
        meta = file.read("meta.xml").decode()
    assert "<dc:title>Film against PACS: Tiny</dc:title>" in meta
    assert "filmless" in meta


@pytest.mark.parametrize("name", DATA)
def test_one_table_a_sheet_with_one_full_header(sheets: Sheets, name: str) -> None:
    rows = sheets[name]
    assert rows[0][0][1].strip()  # the title, in A1
    head = next(i for i, row in enumerate(rows) if len(row) > 1)
    assert all(len(row) == 1 for row in rows[:head])  # notes above, nothing beside
    names = [text for _, text in rows[head]]
    assert all(names)
    assert len(set(names)) == len(names)
    body = rows[head + 1 :]
    assert body
    assert all(len(row) == len(names) for row in body)  # nothing below, no blank row or cell
    assert all(text for row in body for _, text in row)


@pytest.mark.parametrize("name", DATA)
def test_one_number_a_cell_and_units_in_the_header(sheets: Sheets, name: str) -> None:
    rows = [row for row in sheets[name] if len(row) > 1]
    for column, (_, head) in enumerate(rows[0]):
        kinds = {row[column][0] for row in rows[1:] if row[column][1] != "[x]"}
        assert len(kinds) <= 1, (head, kinds)
        if kinds == {"float"} and name not in ("Summary", "Inputs"):  # those two have a column of units
            assert "(" in head, head
    assert not any(re.search(r"[£%*†]$", text) for row in rows[1:] for _, text in row)


def test_nothing_is_merged_hidden_frozen_filtered_or_drawn(content: ET.Element, files: tuple[Path, Path]) -> None:
    assert not [c for c in content.iter(f"{TABLE}table-cell") if int(c.get(f"{TABLE}number-columns-spanned", "1")) > 1]
    assert not list(content.iter(f"{TABLE}covered-table-cell"))
    assert not [e for e in content.iter() if e.get(f"{TABLE}visibility") in ("collapse", "filter")]
    with zipfile.ZipFile(files[1]) as file:
        names, settings = file.namelist(), file.read("settings.xml").decode()
    assert not [n for n in names if n.startswith(("Pictures/", "Object", "Basic/"))]
    splits = re.findall(r'config:name="(?:Horizontal|Vertical)SplitMode"[^>]*>(\d)<', settings)
    assert set(splits) <= {"0"}
    ranges = list(content.iter(f"{TABLE}database-range"))
    assert ranges
    assert not [r for r in ranges if r.get(f"{TABLE}display-filter-buttons") == "true"]


def test_tables_are_marked_and_named(content: ET.Element) -> None:
    ranges = {
        r.get(f"{TABLE}name"): r.get(f"{TABLE}target-range-address") for r in content.iter(f"{TABLE}database-range")
    }
    assert {name.lower() for name in DATA} <= set(ranges)


def test_numbers_are_the_cases(sheets: Sheets, case: Case) -> None:
    rows = [row for row in sheets["Summary"] if len(row) > 1]
    npv = next(r for r in rows if r[0][1] == case.options["programme"] and r[1][1] == "npv")
    known = case.summary[(case.summary["option"] == "programme") & (case.summary["measure"] == "npv")].iloc[0]
    found = [float(npv[i][1].replace(",", "")) for i in (3, 4, 5)]
    assert found == pytest.approx([known["value"], known["low"], known["high"]], abs=1)


def test_a_wrong_name_and_a_missing_libreoffice_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"--xlsx .*must end in \.xlsx"):
        check_names(tmp_path / "model.ods", None)
    monkeypatch.setattr(libreoffice.shutil, "which", lambda name: None)
    check_names(tmp_path / "model.xlsx", None)
    with pytest.raises(Failed, match="apt-get install libreoffice-calc-nogui"):
        check_names(None, tmp_path / "tables.ods")
