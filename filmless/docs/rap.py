"""docs/rap.md: the levels of RAP (NHS RAP Community of Practice, 9 September 2024) with evidence, honestly marked."""

from filmless.docs.markdown import table

YES, PARTLY, NO = "yes", "partly", "no"
# level, criterion, evidence as paths of the repository, words, met
ROWS: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    ("baseline", "made by code in an open-source language", ("pyproject.toml",), "Python", YES),
    ("baseline", "version control", ("CHANGELOG.md",), "git", YES),
    ("baseline", "README with the steps to reproduce", ("README.md", "Makefile"), "two commands", YES),
    ("baseline", "code peer reviewed", (), "read twice by its authors; no reviewer is named for each module", NO),
    ("baseline", "code published in the open, linked with the publication", ("LICENSE", "CITATION.cff"),
     "licence and citation are there; it has no public address yet", PARTLY),
    ("silver", "outputs by code, hardly any hand work", ("filmless/demo.py",), "one command to the report", YES),
    ("silver", "documented: user guide, structure and method, docstrings",
     ("README.md", "docs/savings.md", "docs/outcomes.md", "docs/stress-des.md"),
     "user pages, structure and method are there; the commands in them are not executed in tests", PARTLY),
    ("silver", "standard directory layout", ("sim", "loadtest", "notebooks", "scenarios", "tests"), "", YES),
    ("silver", "reusable functions or classes", ("sim/answers/measures.py",), "", YES),
    ("silver", "agreed coding standard", ("pyproject.toml", ".pre-commit-config.yaml"), "ruff, mypy strict", YES),
    ("silver", "tests: unit tests and back tests", ("tests/sim/engines/test_engines_agree.py",),
     "unit, property and theory tests; back tests against stored results of an earlier version are missing", PARTLY),
    ("silver", "dependency information", ("constraints.txt",), "versions without hashes", PARTLY),
    ("silver", "logs made by the pipeline", ("sim/runs/store.py",), "manifest with hashes in each run folder", YES),
    ("silver", "tidy data in and out", ("sim/world/tables.py", "sim/runs/records.py"),
     "one row an observation; Parquet and CSV; the schema describes the scenario, no data dictionary of run "
     "tables", PARTLY),
    ("gold", "fully packaged", ("pyproject.toml",), "a wheel builds; shipped scenarios and notebooks are read from the "
     "checkout", PARTLY),
    ("gold", "tests run by CI", (".ci/run",), "a script for any runner; no service is attached", PARTLY),
    ("gold", "runs on an event or a schedule", (), "not set up", NO),
    ("gold", "changes signposted", ("CHANGELOG.md",), "changelog; no release has been tagged", PARTLY),
)  # fmt: skip


def rap() -> str:
    """The whole document."""
    rows = [(level, criterion, "; ".join([*(f"`{p}`" for p in paths), *([words] if words else [])]), met)
            for level, criterion, paths, words, met in ROWS]  # fmt: skip
    met = {level: all(r[4] == YES for r in ROWS if r[0] == level) for level in ("baseline", "silver", "gold")}
    whole = ", ".join(f"{level} {'reached' if done else 'not reached'}" for level, done in met.items())
    return ("# Levels of RAP\n\nReproducible analytical pipelines, levels of the NHS RAP Community of Practice (9 "
            "September "
            f"2024). Written by `python -m filmless.docs`.\n\nAs a whole: {whole}.\n\n"
            + table(("level", "criterion", "evidence", "met"), rows) + "\n")  # fmt: skip
