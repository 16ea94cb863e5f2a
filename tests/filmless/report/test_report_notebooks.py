"""Notebooks: stripped in git, functions of their parameters, quick, and run by this very interpreter."""

import asyncio
import inspect
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat import NotebookNode

from filmless.failures import BadInput, Failed
from filmless.report import appraisal, case_tables, savings
from filmless.report.kept_case import keep_case
from filmless.report.notebooks import ROOT, execute, parameters_of, stderr_of, to_chapter, with_parameters
from filmless.report.simulated import Simulated
from tests.filmless.report.conftest import Built, Runs

NAMES = ("latency", "storage", "savings", "planner")
SLOWEST_S = 10


def notebook(*sources: str, title: str = "# A title") -> NotebookNode:
    cells = [nbformat.v4.new_markdown_cell(title)] if title else []
    cells.append(nbformat.v4.new_code_cell("colour = 'blue'\nsizes: list[int] = []", metadata={"tags": ["parameters"]}))
    cells += [nbformat.v4.new_code_cell(s) for s in sources]
    return nbformat.v4.new_notebook(cells=cells)


def written(path: Path, *sources: str) -> Path:
    nbformat.write(notebook(*sources), path)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_are_stripped(name: str):
    data = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text())
    assert data["metadata"] == {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                                "language_info": {"name": "python"}}  # fmt: skip
    for cell in data["cells"]:
        assert set(cell["metadata"]) <= {"tags"}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_read_run_folders_and_not_engines(name: str):
    text = (ROOT / "notebooks" / f"{name}.ipynb").read_text()
    for word in ("sim.engines", "loadtest", "locust", "simulate("):
        assert word not in text


def _slowest_s(done: NotebookNode) -> float:
    times = [c.metadata["execution"] for c in done.cells if "execution" in c.metadata]
    assert len(times) >= 6
    return max(
        (
            datetime.fromisoformat(t["shell.execute_reply"]) - datetime.fromisoformat(t["iopub.execute_input"])
        ).total_seconds()
        for t in times
    )


@pytest.mark.xdist_group("report-page")
@pytest.mark.parametrize("name", NAMES)
def test_no_cell_takes_ten_seconds(built: Built, runs: Runs, name: str, tmp_path: Path):
    if _slowest_s(built.executed[name]) >= SLOWEST_S:  # three kernels at once on a busy machine: again, alone
        kept = keep_case(Simulated(runs.simulated), tmp_path / "case") if name == "savings" else ""
        loads = {"kept": str(kept)} if kept else {} if name == "planner" else {"loads": [str(p) for p in runs.loads]}
        alone = execute(ROOT / "notebooks" / f"{name}.ipynb", {"simulation": str(runs.simulated), **loads})
        assert _slowest_s(alone) < SLOWEST_S


@pytest.mark.parametrize("chapter", [appraisal, case_tables, savings])
def test_figures_of_a_kept_case_do_not_ask_the_run_for_its_own(chapter: ModuleType):
    """In a notebook it would be computed again: five seconds for the unit of one figure."""
    assert "sim.case" not in inspect.getsource(chapter)


def test_parameters_are_those_of_the_tagged_cell():
    assert parameters_of(notebook()) == ["colour", "sizes"]


def test_an_unknown_parameter_is_refused_with_the_nearest_name():
    with pytest.raises(BadInput, match=r"no parameter 'color'; did you mean 'colour'\? It has colour, sizes"):
        with_parameters(notebook(), {"color": "red"})


def test_a_notebook_without_the_tag_is_refused():
    with pytest.raises(BadInput, match="one cell tagged 'parameters', this one has 0"):
        with_parameters(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")]), {})


def test_parameters_are_set_by_this_interpreter(tmp_path: Path):
    path = written(tmp_path / "x.ipynb", "import sys\nprint(colour, sizes, sys.executable)")
    done = execute(path, {"colour": 'it\'s "red"\n', "sizes": ["a"]})
    assert done.cells[-1].outputs[0].text.replace("\n", "") == f"it's \"red\" ['a'] {sys.executable}"
    assert nbformat.read(path, 4).cells[-1].outputs == []  # the file itself stays stripped


def test_a_failing_cell_is_named(tmp_path: Path):
    with pytest.raises(Failed, match=r"x.ipynb: ZeroDivisionError: division by zero .*beginning '1 / 0'"):
        execute(written(tmp_path / "x.ipynb", "1 / 0"), {})


def test_a_caller_whose_own_loop_runs_can_execute_too(tmp_path: Path):
    """As Jupyter's cells do, and whoever has a browser of Playwright's open."""

    async def call() -> NotebookNode:
        return execute(written(tmp_path / "x.ipynb", "print(colour)"), {"colour": "red"})

    with ThreadPoolExecutor(1) as apart:  # from a loop of the browser's, which runs in this thread once it is open
        assert apart.submit(asyncio.run, call()).result().cells[-1].outputs[0].text == "red\n"


def _with_output(cell_source: str, **output: str) -> NotebookNode:
    whole = notebook(cell_source)
    whole.cells[-1].outputs = [nbformat.v4.new_output("stream", **output)]
    return whole


def test_a_warning_in_a_notebook_goes_to_the_person_and_not_into_the_page(capsys: pytest.CaptureFixture[str]):
    chapter = to_chapter(_with_output("x", name="stderr", text="DeprecationWarning: old"), "latency")
    assert "latency.ipynb: DeprecationWarning: old" in capsys.readouterr().err
    assert "Deprecation" not in chapter.html


@pytest.mark.xdist_group("report-page")
@pytest.mark.parametrize("name", NAMES)
def test_our_notebooks_warn_of_nothing(built: Built, name: str):
    assert stderr_of(built.executed[name]) == []


def test_printed_text_is_escaped():
    chapter = to_chapter(_with_output("x", name="stdout", text="<b>"), "latency")
    assert "&lt;b&gt;" in chapter.html
    assert "colour" not in chapter.html  # no code in the report


def test_headings_go_one_level_down_with_ids_of_the_chapter():
    whole = notebook(title="# A <em>title</em> & more")
    whole.cells.append(nbformat.v4.new_markdown_cell("## Part\n\n### Detail"))
    chapter = to_chapter(whole, "storage")
    assert chapter.title == "A title & more"
    assert chapter.headings == [("storage-1", "Part")]
    assert '<h2 id="storage-0">' in chapter.html
    assert '<h4 id="storage-2">Detail</h4>' in chapter.html


def test_a_notebook_without_title_is_refused():
    with pytest.raises(Failed, match="must have one title"):
        to_chapter(notebook(title=""), "storage")
