"""From a matplotlib figure to SVG that may stand beside others in one HTML page.

matplotlib repeats its ids (`figure_1`, `patch_2`) in every file, so all ids are dropped except those that are
referred to, and these get the figure's key in front. Text stays text.
"""

import io
import re
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from filmless.report.palette import FONTS, colours_in

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ET.register_namespace("", SVG)
ET.register_namespace("xlink", XLINK)
_URL = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"'DejaVu Sans'(, [^;\"]*)?")
_COLOURED = ("style", "fill", "stroke", "stop-color", "color")


def _draw(canvas: Canvas, key: str) -> ET.Element:
    out = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        canvas.savefig(
            out, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight", pad_inches=0.05
        )
    return ET.fromstring(out.getvalue())


def _references(root: ET.Element) -> set[str]:
    found: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            found.update(_URL.findall(value))
            if name in ("href", f"{{{XLINK}}}href") and value.startswith("#"):
                found.add(value[1:])
    return found


def _rename(element: ET.Element, key: str, used: set[str]) -> None:
    for name, value in list(element.attrib.items()):
        if name == "id":
            del element.attrib[name]
            if value in used:
                element.set("id", f"{key}-{value}")
        elif name in ("href", f"{{{XLINK}}}href"):
            element.set(name, f"#{key}-{value[1:]}")
        else:
            element.set(name, _FONT.sub(FONTS, _URL.sub(rf"url(#{key}-\1)", value)))


def _without_metadata(root: ET.Element) -> None:
    for child in list(root):
        if child.tag == f"{{{SVG}}}metadata":
            root.remove(child)


def to_svg(canvas: Canvas, key: str) -> ET.Element:
    """The figure as an `<svg>` element whose ids begin with `key`; the same figure gives the same bytes."""
    root = _draw(canvas, key)
    _without_metadata(root)
    used = _references(root)
    for element in root.iter():
        _rename(element, key, used)
    return root


def svg_colours(root: ET.Element) -> list[str]:
    """Every colour that is painted, as #rrggbb."""
    return [c for e in root.iter() for n in _COLOURED for c in colours_in(e.get(n, ""))]


def has_picture(root: ET.Element) -> bool:
    """Is there a raster image inside? Then it does not scale, and its words are not text."""
    return any(e.tag == f"{{{SVG}}}image" for e in root.iter())


def as_text(root: ET.Element, label: str) -> str:
    """Inline SVG for HTML, announced as one image with this label."""
    root.set("role", "img")
    root.set("aria-label", label)
    root.set("focusable", "false")
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    return ET.tostring(root, encoding="unicode")
