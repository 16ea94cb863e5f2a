"""The attributes of the X-ray projections: CR, DX, MG and RF (PS3.3 A.2, A.26, A.27, A.16)."""

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from loadtest.objects.modules import code, spacing, window


def computed_radiograph(d: Dataset, high: int) -> None:
    """A CR chest: CR Series and CR Image (C.8.1)."""
    d.ImageType = ["ORIGINAL", "PRIMARY"]
    d.BodyPartExamined, d.ViewPosition, d.PatientOrientation = "CHEST", "PA", ["L", "F"]
    d.ImagerPixelSpacing = spacing(d, 350)
    d.KVP, d.PlateType, d.Exposure, d.Sensitivity = 120, "STANDARD", 3, 200
    window(d, high)


def _digital(d: Dataset, high: int, width_mm: float) -> None:
    """What DX and MG share: DX Series, Image, Detector and the acquisition context (C.8.11, C.7.6.14)."""
    d.PresentationIntentType = "FOR PRESENTATION"
    d.ImageType = ["ORIGINAL", "PRIMARY", ""]
    d.PixelIntensityRelationship, d.PixelIntensityRelationshipSign = "LOG", -1
    d.RescaleIntercept, d.RescaleSlope, d.RescaleType = 0, 1, "US"
    d.PresentationLUTShape, d.LossyImageCompression = "IDENTITY", "00"
    d.ImagerPixelSpacing = spacing(d, width_mm)
    d.DetectorType, d.DetectorConfiguration, d.DetectorID = "DIRECT", "AREA", "SYNTHETIC"
    d.AcquisitionContextSequence = Sequence([])
    window(d, high)


def digital_radiograph(d: Dataset, high: int) -> None:
    """A DX chest for presentation."""
    _digital(d, high, 350)
    d.ImageLaterality, d.PatientOrientation = "U", ["L", "F"]
    d.AnatomicRegionSequence = code("816094009", "SCT", "Chest")
    d.ViewCodeSequence = code("399348003", "SCT", "antero-posterior")
    d.BodyPartExamined, d.ViewPosition, d.PositionerType = "CHEST", "AP", "NONE"
    d.KVP, d.Exposure = 125, 2


def mammogram(d: Dataset, high: int) -> None:
    """A left medio-lateral oblique mammogram for presentation (C.8.11.7)."""
    _digital(d, high, 233)
    d.ImageLaterality, d.PatientOrientation = "L", ["A", "FR"]
    d.AnatomicRegionSequence = code("76752008", "SCT", "Breast")
    view = code("399368009", "SCT", "medio-lateral oblique")
    view[0].ViewModifierCodeSequence = Sequence([])
    d.ViewCodeSequence = view
    d.BodyPartExamined, d.OrganExposed = "BREAST", "BREAST"
    d.PositionerType, d.PositionerPrimaryAngle, d.PositionerSecondaryAngle = "MAMMOGRAPHIC", 45, 0
    d.BreastImplantPresent, d.PartialView = "NO", "NO"
    d.KVP, d.Exposure, d.AnodeTargetMaterial, d.FilterMaterial = 28, 80, "MOLYBDENUM", "MOLYBDENUM"


def fluoroscopy(d: Dataset, high: int) -> None:
    """A spot image of a barium meal: X-Ray Image and Acquisition, XRF Positioner (C.8.7)."""
    d.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    d.BodyPartExamined, d.PatientOrientation = "STOMACH", ["L", "F"]
    d.PixelIntensityRelationship, d.KVP, d.RadiationSetting = "LIN", 80, "GR"
    d.ExposureTime, d.XRayTubeCurrent, d.Exposure = 20, 100, 2
    d.LossyImageCompression = "00"
    window(d, high)
