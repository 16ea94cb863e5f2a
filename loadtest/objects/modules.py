"""Modules that more than one kind of image has, and codes (PS3.3 annex C, PS3.16)."""

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence


def code(value: str, scheme: str, meaning: str) -> Sequence:
    """A code sequence of one item (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Sequence([item])


def spacing(d: Dataset, width_mm: float) -> list[str]:
    """Row and column spacing in millimetres of a picture that is `width_mm` wide, as decimal strings."""
    return [f"{width_mm / d.Columns:.6g}"] * 2


def window(d: Dataset, high: int) -> None:
    """A linear window from 0 to `high` (C.11.2)."""
    d.WindowCenter, d.WindowWidth = max(1, high // 2), max(2, high)


def plane(d: Dataset, width_mm: float) -> None:
    """Image plane, frame of reference and position (C.7.6.2, C.7.4.1); contiguous slices of 1 mm."""
    corner = f"{-width_mm / 2:.1f}"
    d.PixelSpacing, d.SliceThickness = spacing(d, width_mm), 1
    d.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    d.ImagePositionPatient = [corner, corner, d.SliceLocation]
    d.PositionReferenceIndicator, d.PatientPosition = "", "HFS"
    d.PatientOrientation = ["L", "P"]
    d.AcquisitionNumber = 1
