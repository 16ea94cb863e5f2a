"""Presentation contexts that the embedded archive accepts (PS3.8 7.1.1.13)."""

from collections.abc import Iterable

from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom.presentation import AllStoragePresentationContexts, PresentationContext, build_context

from loadtest.archives.embedded.stored import Stored

PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
# Kept as they are sent. Deflated is not taken: it would have to be inflated to be indexed (rule Z5).
COMPRESSED = (
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEG2000Lossless,
    JPEG2000,
    JPEGLosslessSV1,
    JPEGLossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
)
TRANSFER_SYNTAXES = [str(uid) for uid in (*PLAIN, *COMPRESSED)]
# PS3.4 table C.6.1.3-1 and C.6.2.3-1: FIND, MOVE, GET
PATIENT_ROOT = tuple(f"1.2.840.10008.5.1.4.1.2.1.{service}" for service in (1, 2, 3))
STUDY_ROOT = tuple(f"1.2.840.10008.5.1.4.1.2.2.{service}" for service in (1, 2, 3))
VERIFICATION = "1.2.840.10008.1.1"
MOST_CONTEXTS = 128  # ids are odd and one byte long (PS3.8 9.3.2.2)


def accepted() -> list[PresentationContext]:
    """Verification, query/retrieve, and each storage class in both roles: C-GET sends on the same association."""
    contexts = [build_context(VERIFICATION, list(PLAIN))]
    contexts += [build_context(uid, list(PLAIN)) for uid in (*PATIENT_ROOT, *STUDY_ROOT)]
    return contexts + [_both_roles(context.abstract_syntax) for context in AllStoragePresentationContexts]


def for_sending(objects: Iterable[Stored]) -> list[PresentationContext]:
    """Contexts to propose to a C-MOVE destination: each class in the syntaxes held, or in either plain one."""
    pairs = dict.fromkeys((o.sop_class, o.transfer_syntax in PLAIN or o.transfer_syntax) for o in objects)
    found = [build_context(uid, list(PLAIN) if syntax is True else str(syntax)) for uid, syntax in pairs]
    return found[:MOST_CONTEXTS]


def _both_roles(abstract_syntax: object) -> PresentationContext:
    context = build_context(str(abstract_syntax), TRANSFER_SYNTAXES)
    context.scu_role = context.scp_role = True
    return context
