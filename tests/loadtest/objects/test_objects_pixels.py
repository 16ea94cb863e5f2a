"""Pixels compress about as published, whatever the matrix, and hold what a detector gives."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import jpeg_ls
import numpy as np
import pydicom
import pytest

from loadtest.objects.factory import Factory
from loadtest.objects.identity import Identities
from loadtest.objects.kinds import KINDS
from loadtest.objects.lettering import lettering
from loadtest.objects.pixels import picture
from loadtest.objects.shapes import enlarge
from loadtest.objects.study import Study

MakeStudy = Callable[..., Study]
# mean lossless ratios with JPEG-LS: SPIE 2000, 3,679 radiological images; fluoroscopy is not among them, about 3
RATIOS = {"CR": 3.64, "DX": 2.43, "CT": 4.0, "MR": 3.59, "US": 3.4, "RF": 3.0, "NM": 5.98, "MG": 2.62}
# matrices of the shipped scenarios that are not the usual ones, and smaller and larger ones of the period
OTHERS = {"MR": (352, 352, 2), "US": (576, 1024, 1), "CT": (256, 256, 2), "NM": (128, 128, 2), "CR": (1070, 880, 2)}


def ratio(pixels: np.ndarray) -> float:
    return float(pixels.nbytes / len(jpeg_ls.encode_array(pixels)))


@pytest.mark.parametrize("modality", KINDS)
def test_pixels_compress_about_as_published(factory: Factory, study: MakeStudy, modality: str) -> None:
    d = pydicom.dcmread(BytesIO(factory.file_bytes(study(modality), 1)))
    assert ratio(d.pixel_array) == pytest.approx(RATIOS[modality], rel=0.05)


@pytest.mark.parametrize("modality", OTHERS)
def test_other_matrices_compress_about_as_published(modality: str) -> None:
    pixels = picture(modality, KINDS[modality].look, *OTHERS[modality])
    assert ratio(pixels) == pytest.approx(RATIOS[modality], rel=0.25)


def test_more_noise_compresses_less() -> None:
    look = KINDS["CT"].look
    ratios = [ratio(picture("CT", replace(look, noise=n), 128, 128, 2)) for n in (2.0, 8.0, 32.0)]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] > 1.5 * ratios[2]


def test_a_ct_is_in_hounsfield_units(factory: Factory, study: MakeStudy) -> None:
    d = pydicom.dcmread(BytesIO(factory.file_bytes(study("CT"), 1)))
    hounsfield = d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept)
    assert 20 < np.median(hounsfield[230:260, 120:160]) < 110, "liver"
    assert np.median(hounsfield[420:440, 240:270]) < -900, "air between patient and table"
    assert (hounsfield[500:, :20] == -1000).all(), "outside the circle of reconstruction"


def test_an_eight_bit_ct_is_in_hounsfield_units_too(study: MakeStudy) -> None:
    factory = Factory(1, {"CT": (512, 512, 1)}, Identities([123]))
    d = pydicom.dcmread(BytesIO(factory.file_bytes(study("CT"), 1)))
    hounsfield = d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept)
    assert 10 < np.median(hounsfield[230:260, 120:160]) < 120


def test_counts_of_nuclear_medicine_are_poisson() -> None:
    """Variance equals mean: 200 pixels of the quiet ground, where the expected count is the same."""
    look = KINDS["NM"].look
    ground = np.concatenate([picture(str(i), look, 64, 64, 2)[44:60, :6].ravel() for i in range(40)])
    assert ground.var() == pytest.approx(ground.mean(), rel=0.15)
    eight = picture("0", look, 64, 64, 1)
    assert np.array_equal(eight, picture("0", look, 64, 64, 2)), "counts are the same whatever the word"


def test_a_picture_does_not_touch_the_global_random_numbers() -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[index]
    one, other = (picture("MR", KINDS["MR"].look, 64, 64, 2) for _ in range(2))
    assert np.array_equal(one, other)
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]


def test_colour_is_colour() -> None:
    rgb = picture("US", KINDS["US"].look, 64, 96, 3)
    assert rgb.shape == (64, 96, 3)
    assert (rgb.max(axis=2) != rgb.min(axis=2)).mean() > 0.005


@pytest.mark.parametrize("width", [64, 100, 256, 4000])
def test_the_words_fit_and_leave_the_marks_row_free(width: int) -> None:
    mask = lettering(width, width)
    assert not mask[:2].any()
    rows, columns = np.nonzero(mask)
    assert columns.max() < width - 1, "not cut at the right"
    assert rows.max() < 0.62 * width
    assert columns.max() > 0.4 * width


def test_a_field_keeps_its_range_when_it_is_enlarged() -> None:
    coarse = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    large = enlarge(coarse, 30, 41)
    assert large.shape == (30, 41)
    assert large.dtype == np.float32
    assert 0 <= large.min() < large.max() <= 1
    assert enlarge(coarse, 3, 4) is coarse
