"""The words in the pixels. One bitmap font, drawn in whole multiples: no system font changes a byte."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

WORDS = "SYNTHETIC - NOT FOR DIAGNOSIS"
LAYOUTS = (WORDS, "SYNTHETIC -\nNOT FOR\nDIAGNOSIS", "SYNTHETIC\n- NOT FOR\nDIAGNOSIS")
MARGIN = 2  # pixels left of and above the words; the first row stays free for each object's own mark


def lettering(rows: int, columns: int) -> NDArray[np.bool_]:
    """The words as a mask bool[rows, columns] of the picture's top.

    They take up to 0.8 of the width, in one line if that fits; below 64 columns or 40 rows they are cut, as no font
    fits.
    """
    drawn = [_letters(text) for text in LAYOUTS]
    letters = next((one for one in drawn if one.shape[1] <= 0.8 * columns), drawn[-1])
    scale = max(1, min(int(0.8 * columns) // letters.shape[1], rows // 4 // letters.shape[0]))
    large = letters.repeat(scale, 0).repeat(scale, 1)[: max(0, rows - MARGIN), : max(0, columns - MARGIN)]
    mask = np.zeros((rows, columns), dtype=np.bool_)
    mask[MARGIN : MARGIN + large.shape[0], MARGIN : MARGIN + large.shape[1]] = large
    return mask


def _letters(text: str) -> NDArray[np.bool_]:
    font = ImageFont.load_default_imagefont()
    probe = ImageDraw.Draw(Image.new("1", (1, 1)))
    box = probe.multiline_textbbox((0, 0), text, font=font, spacing=1)
    paper = Image.new("1", (int(box[2]), int(box[3])))
    ImageDraw.Draw(paper).multiline_text((0, 0), text, fill=1, font=font, spacing=1)
    found = np.asarray(paper, dtype=np.bool_)
    used = np.argwhere(found).max(axis=0) + 1
    return found[: used[0], : used[1]]
