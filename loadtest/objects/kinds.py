"""What distinguishes the eight kinds of image: SOP class, look, and the attributes of their modules (PS3.3)."""

from collections.abc import Callable
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
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

from loadtest.objects.pixels import Look


def code(value: str, scheme: str, meaning: str) -> Sequence:
    """A code sequence of one item (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Sequence([item])


def _cr(d: Dataset) -> None:
    d.BodyPartExamined, d.ViewPosition = "CHEST", "PA"
    d.PhotometricInterpretation = "MONOCHROME2"
    d.ImagerPixelSpacing = [0.2, 0.2]


def _digital(d: Dataset) -> None:
    """DX and MG share the DX series and image modules."""
    d.PresentationIntentType = "FOR PRESENTATION"
    d.ImageType = ["ORIGINAL", "PRIMARY", ""]
    d.PixelIntensityRelationship, d.PixelIntensityRelationshipSign = "LOG", -1
    d.RescaleIntercept, d.RescaleSlope, d.RescaleType = 0, 1, "US"
    d.PresentationLUTShape, d.LossyImageCompression = "IDENTITY", "00"
    d.ImagerPixelSpacing = [0.139, 0.139]
    d.DetectorType, d.DetectorConfiguration, d.DetectorID = "DIRECT", "AREA", "SYNTHETIC"
    d.AcquisitionContextSequence = Sequence([])
    d.ImageLaterality = "U"
    d.PatientOrientation = ["L", "F"]
    d.WindowCenter, d.WindowWidth = 8192, 16384


def _dx(d: Dataset) -> None:
    _digital(d)
    d.AnatomicRegionSequence = code("816094009", "SCT", "Chest")
    d.ViewCodeSequence = code("399348003", "SCT", "antero-posterior")
    d.BodyPartExamined, d.ViewPosition, d.PositionerType = "CHEST", "AP", "NONE"


def _mg(d: Dataset) -> None:
    _digital(d)
    d.ImageLaterality, d.PatientOrientation = "L", ["P", "L"]
    d.ImageType = ["ORIGINAL", "PRIMARY", ""]
    d.AnatomicRegionSequence = code("76752008", "SCT", "Breast")
    view = code("399368009", "SCT", "medio-lateral oblique")
    view[0].ViewModifierCodeSequence = Sequence([])
    d.ViewCodeSequence = view
    d.BodyPartExamined, d.ViewPosition = "BREAST", "MLO"
    d.PositionerType, d.OrganExposed = "MAMMOGRAPHIC", "BREAST"
    d.BreastImplantPresent, d.PartialView = "NO", "NO"
    d.PositionerPrimaryAngle, d.PositionerSecondaryAngle = 45, 0
    d.ImagerPixelSpacing = [0.07, 0.07]


def _plane(d: Dataset) -> None:
    """Image plane and frame of reference (C.7.6.2, C.7.4.1)."""
    d.PixelSpacing, d.SliceThickness, d.SpacingBetweenSlices = [0.7, 0.7], 5, 5
    d.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    d.ImagePositionPatient = ["-179.0", "-179.0", "-900.0"]
    d.PositionReferenceIndicator = ""
    d.PatientPosition = "HFS"


def _ct(d: Dataset) -> None:
    _plane(d)
    del d.SpacingBetweenSlices
    d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    d.RescaleIntercept, d.RescaleSlope, d.RescaleType = -1024, 1, "HU"
    d.KVP, d.AcquisitionNumber, d.BodyPartExamined = 120, 1, "ABDOMEN"
    d.WindowCenter, d.WindowWidth = 40, 400


def _mr(d: Dataset) -> None:
    _plane(d)
    d.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    d.ScanningSequence, d.SequenceVariant, d.ScanOptions, d.MRAcquisitionType = "SE", "NONE", "", "2D"
    d.EchoTime, d.RepetitionTime, d.EchoTrainLength, d.MagneticFieldStrength = 15, 500, 1, 1.5
    d.AcquisitionNumber, d.BodyPartExamined = 1, "HEAD"


def _us(d: Dataset) -> None:
    d.ImageType, d.Laterality = ["ORIGINAL", "PRIMARY", "ABDOMINAL"], ""
    d.LossyImageCompression = "00"


def _rf(d: Dataset) -> None:
    d.ImageType, d.Laterality = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"], ""
    d.PixelIntensityRelationship, d.KVP, d.RadiationSetting = "LIN", 80, "GR"
    d.ExposureTime, d.XRayTubeCurrent = 20, 100
    d.PatientOrientation = ["L", "F"]


def _nm(d: Dataset) -> None:
    """A static picture: one frame of one energy window and one detector (C.8.4)."""
    d.ImageType, d.Laterality = ["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"], ""
    d.NumberOfFrames = 1
    d.FrameIncrementPointer = [0x00540010, 0x00540020]
    d.EnergyWindowVector, d.NumberOfEnergyWindows = 1, 1
    d.DetectorVector, d.NumberOfDetectors = 1, 1
    window = Dataset()
    energies = Dataset()
    energies.EnergyWindowLowerLimit, energies.EnergyWindowUpperLimit = 126, 154
    window.EnergyWindowRangeSequence, window.EnergyWindowName = Sequence([energies]), "TC99M"
    d.EnergyWindowInformationSequence = Sequence([window])
    drug = Dataset()
    drug.RadionuclideCodeSequence = code("72454005", "SCT", "^99m^Technetium")
    drug.Radiopharmaceutical = "SYNTHETIC"
    d.RadiopharmaceuticalInformationSequence = Sequence([drug])
    detector = Dataset()
    detector.CollimatorType, detector.ImageOrientationPatient = "PARA", [1, 0, 0, 0, 0, -1]
    detector.ImagePositionPatient, detector.ViewCodeSequence = [0, 0, 0], code("399348003", "SCT", "antero-posterior")
    d.DetectorInformationSequence = Sequence([detector])
    d.PatientOrientationCodeSequence = code("102538003", "SCT", "recumbent")
    d.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = code("40199007", "SCT", "supine")
    d.PatientGantryRelationshipCodeSequence = code("102540008", "SCT", "headfirst")
    d.PixelSpacing, d.CountsAccumulated = [2, 2], 500_000
    d.ActualFrameDuration, d.AcquisitionTerminationCondition = 60_000, "TIME"


@dataclass(frozen=True)
class Kind:
    """One kind of image."""

    sop_class: UID
    look: Look
    fill: Callable[[Dataset], None]
    framed: bool = False  # has a frame of reference


# noise levels are chosen so that JPEG-LS comes near the lossless ratios of the scenario; a test measures them
KINDS = {
    "CR": Kind(ComputedRadiographyImageStorage, Look(12, 300, 2600, 4.5, 3.0), _cr),
    "DX": Kind(DigitalXRayImageStorageForPresentation, Look(14, 1200, 10_500, 21.0, 16.0), _dx),
    "CT": Kind(CTImageStorage, Look(12, 24, 1080, 7.0, 0.5), _ct, framed=True),
    "MR": Kind(MRImageStorage, Look(12, 30, 900, 6.3, 1.4), _mr, framed=True),
    "US": Kind(UltrasoundImageStorage, Look(8, 2, 90, 2.5, 0.25), _us),
    "RF": Kind(XRayRadiofluoroscopicImageStorage, Look(8, 20, 150, 1.4, 0.9), _rf),
    "NM": Kind(NuclearMedicineImageStorage, Look(16, 3, 22, 2.1, 0.45, 0.7), _nm),
    "MG": Kind(DigitalMammographyXRayImageStorageForPresentation, Look(14, 400, 8000, 22.0, 6.0), _mg),
}
