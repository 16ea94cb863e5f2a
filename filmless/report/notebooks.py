"""Notebooks as functions of run folders: parameters in, a chapter of HTML out.

Parameters stand in the cell tagged `parameters`, as papermill has it; a name that this cell does not assign is
refused. The kernel is always this interpreter, whatever kernels a machine has registered under `python3`.
"""

import ast
import asyncio
import os
import re
import sys
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib
import nbformat as _nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from matplotlib import font_manager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from filmless.failures import BadInput, Failed
from filmless.output import say

nbformat: Any = _nbformat  # its functions are untyped
Value = str | int | float | list[str]
PARAMETERS, INJECTED = "parameters", "injected-parameters"
CELL_TIMEOUT_S = 120  # cells take seconds; this is for a machine under load
ROOT = Path(__file__).resolve().parents[2]
_HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.S)
_TAG = re.compile(r"<[^>]+>")
# words as paragraphs, outputs as they are: no wrappers, no ids of cells, which would repeat from chapter to chapter
_TEMPLATE = """{%- extends 'display_priority.j2' -%}
{% block markdowncell %}{{ cell.source | markdown2html }}{% endblock %}
{% block stream_stderr %}{% endblock %}
{% block stream_stdout %}<p>{{ output.text | escape_html }}</p>{% endblock %}
{% block data_html %}{{ output.data['text/html'] }}{% endblock %}
{% block data_text %}<p>{{ output.data['text/plain'] | escape_html }}</p>{% endblock %}
"""


def notebook_path(name: str) -> Path:
    """A shipped notebook, from the working folder or from beside the package."""
    here = Path("notebooks") / f"{name}.ipynb"
    return here.resolve() if here.exists() else ROOT / here


def _tagged(notebook: NotebookNode, tag: str) -> list[int]:
    return [i for i, c in enumerate(notebook.cells) if tag in c.metadata.get("tags", [])]


def parameters_of(notebook: NotebookNode) -> list[str]:
    """Names that the cell tagged `parameters` assigns.

    Raises:
        BadInput: there is not exactly one such cell.
    """
    found = _tagged(notebook, PARAMETERS)
    if len(found) != 1:
        raise BadInput(f"a notebook needs one cell tagged '{PARAMETERS}', this one has {len(found)}")
    tree = ast.parse(notebook.cells[found[0]].source)
    targets = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
    targets += [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    return [t.id for t in targets if isinstance(t, ast.Name)]


def with_parameters(notebook: NotebookNode, values: Mapping[str, Value]) -> NotebookNode:
    """A copy whose next cell after the defaults sets the values.

    Raises:
        BadInput: a name that the notebook does not know; says which it may have meant.
    """
    known = parameters_of(notebook)
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, 1)
            meant = f"; did you mean '{near[0]}'?" if near else ""
            raise BadInput(f"the notebook has no parameter '{name}'{meant} It has {', '.join(known)}")
    copy: NotebookNode = nbformat.from_dict(notebook)
    source = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": [INJECTED]}, id=INJECTED)
    copy.cells.insert(_tagged(notebook, PARAMETERS)[0] + 1, cell)
    return copy


class _ThisInterpreter(KernelSpecManager):
    """Every kernel name means the Python that runs this."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """As of the base class."""
        argv = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name=kernel_name, language="python")


def _environment(private: str) -> dict[str, str]:
    """No start-up files or history of the user's; this package can be imported; the fonts are listed already.

    A machine new to matplotlib lists its fonts first, which takes seconds and a warning: once here, not in each kernel.
    """
    font_manager.findfont("DejaVu Sans")
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "IPYTHONDIR": private,
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": matplotlib.get_cachedir(),
        "PYTHONPATH": os.pathsep.join(paths),
    }


def execute(path: Path, values: Mapping[str, Value]) -> NotebookNode:
    """Run a notebook with these parameters, in a kernel of its own.

    Raises:
        BadInput: unknown parameter. Failed: a cell raised, or ran out of time; names the cell and the error.
    """
    notebook = with_parameters(nbformat.read(path, as_version=4), values)
    with TemporaryDirectory(prefix="filmless-kernel-") as private:
        # sockets in a private folder: nobody else on the machine can talk to the kernel
        manager = AsyncKernelManager(kernel_spec_manager=_ThisInterpreter(), transport="ipc", ip=f"{private}/k")
        client = NotebookClient(notebook, km=manager, timeout=CELL_TIMEOUT_S, kernel_name="python3", record_timing=True)
        try:
            _run(client.async_execute(env=_environment(private), cwd=str(path.parent), cleanup_kc=True))
        except CellExecutionError as error:
            raise Failed(f"{path.name}: {error.ename}: {error.evalue} (in the cell beginning "
                         f"{_first_line(notebook)!r})") from error  # fmt: skip
        except CellTimeoutError as error:
            raise Failed(f"{path.name}: a cell took more than {CELL_TIMEOUT_S} s") from error
    return notebook


def _run(work: Coroutine[Any, Any, object]) -> None:
    """Run it on a loop of its own, in a thread of its own: in the caller's one may run already, as in Jupyter."""
    with ThreadPoolExecutor(1) as own:
        own.submit(asyncio.run, work).result()


def _first_line(notebook: NotebookNode) -> str:
    """Of the cell that failed."""
    for cell in notebook.cells:
        if any(o.output_type == "error" for o in cell.get("outputs", [])):
            return str(cell.source).strip().partition("\n")[0][:80]
    return ""


@dataclass(frozen=True)
class Chapter:
    """The body of a notebook as HTML, its headings one level deeper, its ids beginning with its name."""

    name: str
    title: str
    html: str
    headings: list[tuple[str, str]]  # id, text: those right below the title


class _Exporter(HTMLExporter):
    """Figures and words only, and nothing fetched from a network."""

    def __init__(self) -> None:
        start: Any = super().__init__
        start(template_name="basic", raw_template=_TEMPLATE)
        self.exclude_input = self.exclude_input_prompt = self.exclude_output_prompt = True
        self.exclude_anchor_links = self.embed_images = True
        self.mathjax_url = self.require_js_url = self.jquery_url = self.mermaid_js_url = ""


def stderr_of(notebook: NotebookNode) -> list[str]:
    """What the cells wrote to stderr: it has no place on the page, and is passed on to the person."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return [str(o.text).strip() for o in outputs if o.output_type == "stream" and o.name == "stderr"]


def to_chapter(notebook: NotebookNode, name: str) -> Chapter:
    """The executed notebook as a chapter.

    Raises:
        Failed: the notebook has not exactly one title.
    """
    for text in stderr_of(notebook):
        say(f"{name}.ipynb: {text}")
    body, _ = _Exporter().from_notebook_node(notebook)
    headings: list[tuple[int, str, str]] = []

    def heading(match: re.Match[str]) -> str:
        level, text = int(match[1]) + 1, unescape(_TAG.sub("", match[2]))
        headings.append((level, f"{name}-{len(headings)}", text))
        return f'<h{min(level, 6)} id="{headings[-1][1]}">{match[2]}</h{min(level, 6)}>'

    html = _HEADING.sub(heading, body)
    titles = [text for level, _, text in headings if level == 2]
    if len(titles) != 1:
        raise Failed(f"{name}.ipynb must have one title ('# ...'), it has {len(titles)}")
    return Chapter(name, titles[0], html, [(id_, text) for level, id_, text in headings if level == 3])


def chapter(name: str, values: Mapping[str, Any]) -> Chapter:
    """Execute a shipped notebook and take its chapter."""
    return to_chapter(execute(notebook_path(name), values), name)
