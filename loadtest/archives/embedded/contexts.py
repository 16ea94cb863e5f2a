"""Presentation contexts that the embedded archive accepts (PS3.8 7.1.1.13)."""

from collections.abc import Iterable

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
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
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    HTJ2K,
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


_STORAGE = frozenset(str(context.abstract_syntax) for context in AllStoragePresentationContexts)
_SERVICES = (VERIFICATION, *PATIENT_ROOT, *STUDY_ROOT)


class SharedContexts(list[PresentationContext]):
    """Contexts that all associations share: pynetdicom copies them for each one, 15 ms for 177 contexts."""

    def __deepcopy__(self, memo: dict[int, object]) -> "SharedContexts":
        """Itself: negotiation only reads them."""
        return self


def accepted() -> SharedContexts:
    """Verification, query/retrieve and each storage class, in every syntax that is taken."""
    return SharedContexts(_context(uid, syntaxes_taken(uid)) for uid in (*_SERVICES, *sorted(_STORAGE)))


def in_their_order(proposed: Iterable[PresentationContext]) -> SharedContexts:
    """What we accept of these proposals, the syntaxes in the proposer's order of preference.

    An archive cannot know which object a C-GET will ask for; a getter puts the syntax that it expects first.
    """
    wanted: dict[str, dict[str, None]] = {}
    for context in proposed:
        abstract = str(context.abstract_syntax)
        if taken := syntaxes_taken(abstract):
            common = (str(uid) for uid in context.transfer_syntax if uid in taken)
            wanted.setdefault(abstract, {}).update(dict.fromkeys(common))
    return SharedContexts(_context(uid, list(syntaxes) or syntaxes_taken(uid)) for uid, syntaxes in wanted.items())


def syntaxes_taken(abstract_syntax: str) -> list[str]:
    """The transfer syntaxes in which this SOP class is accepted; [] for one that is not."""
    if abstract_syntax in _STORAGE:
        return TRANSFER_SYNTAXES
    return TRANSFER_SYNTAXES[: len(PLAIN)] if abstract_syntax in _SERVICES else []


def _context(abstract_syntax: str, syntaxes: list[str]) -> PresentationContext:
    """Storage classes in both roles, for C-GET sends on the getter's own association (PS3.7 D.3.3.4)."""
    context = build_context(abstract_syntax, list(syntaxes))
    if abstract_syntax in _STORAGE:
        context.scu_role = context.scp_role = True
    return context


def for_sending(objects: Iterable[Stored]) -> list[PresentationContext]:
    """Contexts to propose to a C-MOVE destination: each class in the syntaxes held, or in either plain one."""
    pairs = dict.fromkeys((o.sop_class, o.transfer_syntax in PLAIN or o.transfer_syntax) for o in objects)
    found = [build_context(uid, list(PLAIN) if syntax is True else str(syntax)) for uid, syntax in pairs]
    return found[:MOST_CONTEXTS]
