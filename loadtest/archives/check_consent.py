"""The archive's own consent (rules S5, S7): its owner has stored a marker study, and it holds no studies of others."""

from pydicom.dataset import Dataset

from loadtest.archives.check_dimse import find_studies
from loadtest.archives.check_result import CheckResult, Preflight
from loadtest.archives.consent import token
from loadtest.archives.probe import PATIENT_ID
from loadtest.archives.target import Target

MOST_SHOWN = 1_000


def marker(target: Target) -> str:
    """The Patient ID of the marker study that the owner of a remote target stores to agree."""
    owner = target.consent.owner if target.consent else ""
    return token(target.host, target.port, target.ae_title, owner)


def consent(flight: Preflight) -> CheckResult:
    """`ok` when the marker is found, and no study of others or `production = true`."""
    sign = marker(flight.target)
    found, reply = find_studies(flight, PatientID=sign)
    if not reply.ok or not found:
        mend = f"The owner stores one study, of any kind, with Patient ID {sign} in this archive, and so agrees."
        return CheckResult("consent", "refused", f"the archive holds no study of patient {sign}", mend)
    strangers = _strangers(flight, sign)
    if strangers and not flight.target.production:
        cause = f"the archive holds {strangers}{'' if strangers < MOST_SHOWN else ' or more'} studies that are not ours"
        return CheckResult(
            "consent", "refused", cause, "If that is meant so, say production = true in the target file."
        )
    return CheckResult("consent", "ok", f"the archive holds the marker study {sign}")


def _strangers(flight: Preflight, sign: str) -> int:
    everything, _ = find_studies(flight, PatientID="", IssuerOfPatientID="")
    ours = (sign, PATIENT_ID)
    return sum(not _is_ours(study, ours) for study in everything[:MOST_SHOWN])


def _is_ours(study: Dataset, ids: tuple[str, ...]) -> bool:
    """Our marks are our Patient IDs, and our issuer (rule S10)."""
    return str(study.get("PatientID", "")) in ids or str(study.get("IssuerOfPatientID", "")).startswith("FILMLESS")
