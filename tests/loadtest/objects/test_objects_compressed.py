"""Compressed objects: encoded once, each with bytes of its own, and read back equal by other people's decoders."""

import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from openjpeg import decode_pixel_data
from pydicom.encaps import generate_frames
from pydicom.uid import UID, HTJ2KLossless, HTJ2KLosslessRPCL, JPEG2000Lossless, JPEGLSLossless, RLELossless

from filmless.failures import BadInput
from filmless.load_options import syntax_of
from loadtest.objects.encapsulated import encapsulated
from loadtest.objects.factory import SYNTAXES, Factory
from loadtest.objects.identity import Identities
from loadtest.objects.kinds import KINDS
from loadtest.objects.pixels import picture
from tests.loadtest.objects.test_objects_valid import YOUNGER, MakeStudy, complaints

COMPRESSED = {
    "jpeg-ls": JPEGLSLossless, "jpeg-2000": JPEG2000Lossless, "htj2k": HTJ2KLossless, "rle": RLELossless,
}  # fmt: skip
KINDS_OF_PIXEL = [("CT", (64, 48, 2)), ("MG", (45, 33, 2)), ("US", (40, 50, 1)), ("US", (41, 51, 3)),
                  ("RF", (40, 40, 2)), ("NM", (3, 18, 2)), ("NM", (3, 145, 2))]  # fmt: skip
TOOLS = {JPEGLSLossless: ["/usr/bin/dcmdjpls"], RLELossless: ["/usr/bin/dcmdrle"]}


def made(modality: str, matrix: tuple[int, int, int], syntax: UID) -> Factory:
    return Factory(7, {modality: matrix}, Identities([123]), syntax)


def written(factory: Factory, study: MakeStudy, path: Path, modality: str, number: int = 1) -> pydicom.Dataset:
    path.write_bytes(factory.file_bytes(study(modality), number))
    return pydicom.dcmread(path)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("syntax", COMPRESSED.values(), ids=COMPRESSED)
@pytest.mark.parametrize(("modality", "matrix"), KINDS_OF_PIXEL)
def test_the_pixels_come_back_as_they_were(
    study: MakeStudy, tmp_path: Path, modality: str, matrix: tuple[int, int, int], syntax: UID
) -> None:
    if min(matrix[:2]) < 32 and syntax == JPEG2000Lossless:
        with pytest.raises(ValueError, match="cannot be JPEG 2000"):
            written(made(modality, matrix, syntax), study, tmp_path / "o.dcm", modality)
        return
    found = written(made(modality, matrix, syntax), study, tmp_path / "o.dcm", modality).pixel_array
    plain = picture(modality, KINDS[modality].look, *matrix)
    flat, expected = found.reshape(matrix[0] * matrix[1], -1), plain.reshape(matrix[0] * matrix[1], -1)
    assert (flat[16:] == expected[16:]).all()
    if syntax != RLELossless:
        assert (flat[:16] == expected[:16]).all()
    assert found.dtype == plain.dtype


@pytest.mark.parametrize("syntax", COMPRESSED.values(), ids=COMPRESSED)
def test_each_object_has_bytes_of_its_own_and_one_decodes_like_the_other(study: MakeStudy, syntax: UID) -> None:
    factory = made("CT", (64, 64, 2), syntax)
    raw = [factory.file_bytes(study("CT"), number) for number in (0, 1, 2)]
    data = [pydicom.dcmread(pydicom.filebase.DicomBytesIO(one)) for one in raw]
    frames = [next(generate_frames(one.PixelData, number_of_frames=1)) for one in data]
    assert len(set(frames)) == 3
    assert len({len(one) for one in raw}) == 1
    assert (data[0].pixel_array[1:] == data[1].pixel_array[1:]).all()


def test_rle_marks_the_pixels_as_the_uncompressed_do(study: MakeStudy, tmp_path: Path) -> None:
    matrix = (40, 40, 2)
    ours = written(made("CT", matrix, RLELossless), study, tmp_path / "r.dcm", "CT")
    plain = written(made("CT", matrix, SYNTAXES["explicit"]), study, tmp_path / "p.dcm", "CT")
    assert np.array_equal(ours.pixel_array, plain.pixel_array)


@pytest.mark.parametrize("syntax", TOOLS, ids=lambda one: one.name)
@pytest.mark.parametrize(("modality", "matrix"), KINDS_OF_PIXEL[:4])
def test_dcmtk_decodes_them(
    study: MakeStudy, tmp_path: Path, modality: str, matrix: tuple[int, int, int], syntax: UID
) -> None:
    ours = written(made(modality, matrix, syntax), study, tmp_path / "c.dcm", modality)
    subprocess.run([*TOOLS[syntax], str(tmp_path / "c.dcm"), str(tmp_path / "d.dcm")], check=True, timeout=30)
    assert np.array_equal(pydicom.dcmread(tmp_path / "d.dcm").pixel_array, ours.pixel_array)


@pytest.mark.parametrize("syntax", COMPRESSED.values(), ids=COMPRESSED)
@pytest.mark.parametrize(("modality", "matrix"), KINDS_OF_PIXEL[:4])
def test_dciodvfy_and_dcmdump_find_no_error(
    study: MakeStudy, tmp_path: Path, modality: str, matrix: tuple[int, int, int], syntax: UID
) -> None:
    path = tmp_path / "o.dcm"
    made_here = written(made(modality, matrix, syntax), study, path, modality)
    checked = path if syntax != HTJ2KLossless else tmp_path / "as-jpeg-2000.dcm"
    if checked != path:  # dciodvfy is older than the syntax, and is shown the same data set under an older name
        made_here.file_meta.TransferSyntaxUID = JPEG2000Lossless
        made_here.save_as(checked)
    assert [line for line in complaints(checked) if not line.startswith(YOUNGER)] == []
    subprocess.run(["/usr/bin/dcmdump", "-q", str(path)], check=True, capture_output=True, timeout=30)


@pytest.mark.parametrize("syntax", COMPRESSED.values(), ids=COMPRESSED)
def test_an_object_is_as_quick_as_an_uncompressed_one(study: MakeStudy, syntax: UID) -> None:
    """Encoded once: all objects of a template share one memory beyond their heads."""
    factory = made("CT", (128, 128, 2), syntax)
    parts = [factory.parts(study("CT"), number) for number in range(5)]
    assert len({id(part[1]) for part in parts}) == 1
    assert all(len(part[0]) % 2 == 0 for part in parts)


def test_a_row_too_short_for_rle_is_named() -> None:
    with pytest.raises(ValueError, match="a matrix of 8 columns: RLE holds its mark in rows of 18 at least"):
        encapsulated(np.zeros((8, 8), np.uint8), 8, RLELossless)


def test_htj2k_is_decoded_to_the_bit_by_openjpeg_which_did_not_encode_it(study: MakeStudy, tmp_path: Path) -> None:
    """All sixteen bits, and bits stored as the stream has them (PS3.5 8.2.4)."""
    noise = np.random.default_rng(3).integers(0, 1 << 16, (61, 47)).astype(np.uint16)
    found = encapsulated(noise, 16, HTJ2KLossless)
    stream = next(generate_frames(found.element[12:], number_of_frames=1))
    assert np.array_equal(np.frombuffer(decode_pixel_data(stream), np.uint16).reshape(61, 47), noise)
    ours = written(made("CT", (64, 64, 2), HTJ2KLossless), study, tmp_path / "h.dcm", "CT")
    assert (ours.BitsStored, ours.HighBit) == (16, 15)
    plain = written(made("CT", (64, 64, 2), SYNTAXES["explicit"]), study, tmp_path / "p.dcm", "CT")
    assert ours.RescaleSlope == plain.RescaleSlope  # the values are the same


def test_without_its_package_htj2k_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.objects.encapsulated.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'filmless\[htj2k\]'"):
        made("CT", (64, 64, 2), HTJ2KLossless)
    with pytest.raises(BadInput, match="--transfer-syntax htj2k: HTJ2K takes the package imagecodecs"):
        syntax_of("htj2k")


def test_what_is_not_made_is_told() -> None:
    with pytest.raises(ValueError, match="objects are made in"):
        made("CT", (64, 64, 2), HTJ2KLosslessRPCL)
