"""The attributes of CT, MR, ultrasound and nuclear medicine (PS3.3 A.3, A.4, A.6, A.5)."""

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from loadtest.objects.modules import code, plane, spacing, window


def computed_tomogram(d: Dataset, _high: int) -> None:
    """An axial CT slice of the abdomen in Hounsfield units (C.8.2.1); 12 bits, or their upper eight in a byte."""
    plane(d, 360)
    d.ImageType, d.BodyPartExamined = ["ORIGINAL", "PRIMARY", "AXIAL"], "ABDOMEN"
    d.RescaleIntercept, d.RescaleSlope, d.RescaleType = -1000, 1 << 12 - d.BitsStored, "HU"
    d.KVP, d.ConvolutionKernel, d.ExposureTime, d.XRayTubeCurrent = 120, "SYNTHETIC", 500, 200
    d.WindowCenter, d.WindowWidth = 40, 400


def magnetic_resonance(d: Dataset, high: int) -> None:
    """An axial T1-weighted slice of the head (C.8.3.1)."""
    plane(d, 240)
    d.ImageType, d.BodyPartExamined = ["ORIGINAL", "PRIMARY", "OTHER"], "HEAD"
    d.ScanningSequence, d.SequenceVariant, d.ScanOptions, d.MRAcquisitionType = "SE", "NONE", "", "2D"
    d.EchoTime, d.RepetitionTime, d.EchoTrainLength, d.MagneticFieldStrength = 15, 500, 1, 1.5
    d.FlipAngle, d.SpacingBetweenSlices = 90, 1
    window(d, high)


def ultrasound(d: Dataset, _high: int) -> None:
    """A still of the abdomen (C.8.5.6), with the region where pixels have a size (C.8.5.5)."""
    d.ImageType, d.BodyPartExamined = ["ORIGINAL", "PRIMARY", "ABDOMINAL"], "ABDOMEN"
    d.PatientOrientation = ""
    d.LossyImageCompression = "00"
    d.UltrasoundColorDataPresent = int(d.SamplesPerPixel == 3)
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0  # 2D, tissue
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = d.Columns - 1, d.Rows - 1
    region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection = 3, 3  # cm
    region.PhysicalDeltaX = region.PhysicalDeltaY = 20 / d.Columns
    d.SequenceOfUltrasoundRegions = Sequence([region])


def scintigram(d: Dataset, high: int) -> None:
    """A static bone scan: one frame of one energy window and one detector (C.8.4)."""
    d.ImageType, d.BodyPartExamined = ["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"], "CHEST"
    d.NumberOfFrames, d.FrameIncrementPointer = 1, [0x00540010, 0x00540020]
    d.EnergyWindowVector, d.NumberOfEnergyWindows = 1, 1
    d.DetectorVector, d.NumberOfDetectors = 1, 1
    d.EnergyWindowInformationSequence = Sequence([_technetium()])
    d.RadiopharmaceuticalInformationSequence = Sequence([_tracer()])
    d.DetectorInformationSequence = Sequence([_detector()])
    lying = code("102538003", "SCT", "recumbent")
    lying[0].PatientOrientationModifierCodeSequence = code("40199007", "SCT", "supine")
    d.PatientOrientationCodeSequence = lying
    d.PatientGantryRelationshipCodeSequence = code("102540008", "SCT", "headfirst")
    d.PixelSpacing, d.PatientOrientation = spacing(d, 512), ["R", "F"]
    d.CountsAccumulated, d.ActualFrameDuration = 500_000, 60_000
    d.AcquisitionTerminationCondition, d.LossyImageCompression = "TIME", "00"
    window(d, high)


def _technetium() -> Dataset:
    """The energy window of technetium-99m, 140 keV and 10 % either side."""
    limits, found = Dataset(), Dataset()
    limits.EnergyWindowLowerLimit, limits.EnergyWindowUpperLimit = 126, 154
    found.EnergyWindowName, found.EnergyWindowRangeSequence = "TC99M", Sequence([limits])
    return found


def _tracer() -> Dataset:
    found = Dataset()
    found.RadionuclideCodeSequence = code("72454005", "SCT", "^99m^Technetium")
    found.Radiopharmaceutical = "SYNTHETIC"
    return found


def _detector() -> Dataset:
    """A parallel-hole camera behind the patient."""
    found = Dataset()
    found.CollimatorType, found.FocalDistance, found.ViewCodeSequence = "PARA", 0, code("272479007", "SCT", "posterior")
    found.ImageOrientationPatient, found.ImagePositionPatient = [-1, 0, 0, 0, 0, -1], [256, 0, 256]
    return found
