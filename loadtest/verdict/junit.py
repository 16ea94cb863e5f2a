"""A verdict for other people's CI: JUnit XML, a test case a line, and one for the measurement itself.

FAIL is a failure, INVALID an error: a build server then shows that nothing was learnt, not that the archive is slow.
"""

from collections.abc import Sequence
from math import isfinite, isnan
from xml.etree import ElementTree as ET

from loadtest.verdict.judged import FAIL, INVALID, Line


def junit_xml(
    title: str, lines: Sequence[Line], verdict: str, beyond: Sequence[str], seconds: float = 0.0, said: str = ""
) -> str:
    """The whole document; `beyond` are reasons that are of no line, such as doubts about the generator.

    `said` is what the measurement itself has found, where nothing is wrong with it.
    """
    suite = ET.Element("testsuite", name=_plain(title), time=f"{seconds:.3f}")
    first = ET.SubElement(suite, "testcase", classname="filmless.load", name="measurement")
    if beyond:
        _mark(first, verdict, "; ".join(beyond))
    elif said:
        ET.SubElement(first, "system-out").text = _plain(said)
    for one in lines:
        case = ET.SubElement(suite, "testcase", classname="filmless.load", name=_plain(f"{one.name}: {one.words}"))
        told = f"{one.why}; {_measured(one)}, n {one.n}"
        if one.verdict in (FAIL, INVALID):
            _mark(case, one.verdict, told)
        else:
            ET.SubElement(case, "system-out").text = _plain(told)
    for name, tag in (("tests", "testcase"), ("failures", ".//failure"), ("errors", ".//error")):
        suite.set(name, str(len(suite.findall(tag))))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _measured(one: Line) -> str:
    """Value and interval in words: too few operations have no value, and some intervals no end."""
    if isnan(one.value):
        return "no value is shown"
    ends = [
        f"{end:.4g}" if isfinite(end) else none for end, none in ((one.low, "no lower end"), (one.high, "no upper end"))
    ]
    return f"measured {one.value:.4g} {one.unit}, interval {' to '.join(ends)}"


def _mark(case: ET.Element, word: str, said: str) -> None:
    ET.SubElement(case, "failure" if word == FAIL else "error", type=word, message=_plain(said))


def _plain(text: str) -> str:
    """Text that XML can hold: a peer's words may have characters that it forbids."""
    return "".join(c if c.isprintable() else " " for c in text)
