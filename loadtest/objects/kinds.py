"""The eight kinds of image: SOP class, look, and what fills the attributes of its modules."""

from collections.abc import Callable
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
    NuclearMedicineImageStorage,
    UltrasoundImageStorage,
    XRayRadiofluoroscopicImageStorage,
)

from loadtest.objects import grain, projection, scenes, section
from loadtest.objects.pixels import Look


@dataclass(frozen=True)
class Kind:
    """One kind of image. `fill(data set, level of the brightest pixel)` adds its own attributes."""

    sop_class: UID
    look: Look
    fill: Callable[[Dataset, int], None]
    framed: bool = False  # slices in a frame of reference


# the noise is set so that JPEG-LS comes near the published lossless ratios at the usual matrix; a test measures them
KINDS = {
    "CR": Kind(
        ComputedRadiographyImageStorage,
        Look(scenes.chest, grain.quantum, scale=12, white=3000, noise=6.4),
        projection.computed_radiograph,
    ),
    "DX": Kind(
        DigitalXRayImageStorageForPresentation,
        Look(scenes.chest, grain.quantum, scale=14, white=12_000, noise=34),
        projection.digital_radiograph,
    ),
    "CT": Kind(
        CTImageStorage,
        Look(scenes.abdomen, grain.even, scale=12, white=1000, noise=7.4),
        section.computed_tomogram,
        framed=True,
    ),
    "MR": Kind(
        MRImageStorage,
        Look(scenes.head, grain.rician, scale=12, white=900, noise=2.4),
        section.magnetic_resonance,
        framed=True,
    ),
    "US": Kind(
        UltrasoundImageStorage,
        Look(scenes.fan, grain.speckle, scale=8, white=230, noise=14),
        section.ultrasound,
    ),
    "RF": Kind(
        XRayRadiofluoroscopicImageStorage,
        Look(scenes.swallow, grain.quantum, scale=8, white=190, noise=2.4, bits=10),
        projection.fluoroscopy,
    ),
    "NM": Kind(
        NuclearMedicineImageStorage,
        Look(scenes.skeleton, grain.counts, scale=16, white=33, noise=0, counted=True),
        section.scintigram,
    ),
    "MG": Kind(
        DigitalMammographyXRayImageStorageForPresentation,
        Look(scenes.breast, grain.quantum, scale=14, white=10_000, noise=69),
        projection.mammogram,
    ),
}
