"""The work of `filmless claim`: a published claim played against an archive, at a scale that the verdict names."""

from pathlib import Path
from tempfile import TemporaryDirectory

from filmless.failures import BadInput
from filmless.load_commands import Judging, tell_finding
from filmless.load_options import lot_of
from filmless.output import give, say, show
from filmless.places import check_places
from filmless.play import measure_all
from loadtest.series.claims import CLUSTER, Claim, Scaled, auto_scale, read_claim, scaled, write_claim

IMAGES_PER_S = 60.0  # moved by a claim at its default scale: one machine is archive and generator
FOLDER = Path("scenarios/claims")


def list_claims(json_: bool) -> None:
    """Every claim that there is a file for, and whether it can be played."""
    found = [(path, read_claim(path)) for path in sorted(_folder().glob("*.toml"))]
    if json_:
        give({"claims": [{"file": str(path), "title": one.title, "product": one.product, "playable": _word(one),
                          "figures": [f.id for f in one.figures]} for path, one in found]})  # fmt: skip
        return
    rows = [[str(path), one.title, _word(one)] for path, one in found]
    show("Published claims", ["file", "claim", "can it be played"], rows)


def _word(one: Claim) -> str:
    return f"no: {one.unplayable}" if one.unplayable else "yes"


def _folder() -> Path:
    """From the working folder, or from beside the package."""
    return FOLDER if FOLDER.is_dir() else Path(__file__).resolve().parent.parent / FOLDER


def play_claim(file: Path, target: str, scale: float | None, seconds: float | None, judging: Judging, out: Path | None,
               json_: bool, lot: int | None = None) -> None:  # fmt: skip
    """Play one claim; the exit code is the verdict's, 2 for a claim that cannot be played."""
    one = _scaled(read_claim(file), file, scale, seconds)
    say(f"{one.claim.title}: {one.words()}. Not said by the claim: {one.load.assumed}")
    folder = out or Path("runs") / f"claim-{file.stem}"
    check_places(folder, judging.junit)
    with TemporaryDirectory(prefix="filmless-claim-") as work:
        traffic = Path(work) / f"{CLUSTER}.traffic.parquet"
        write_claim(one, traffic)
        headroom = judging.headroom_s if judging.headroom_s is not None else Judging(file).seconds()
        finding, result = measure_all([{"path": traffic, "cluster": CLUSTER}], target, folder, scale=one.words(),
                                      thresholds=one.thresholds, headroom_s=headroom,
                                      settings={"lot": lot_of(lot)})  # fmt: skip
    tell_finding(finding, result, folder, json_, judging.junit)


def _scaled(claim: Claim, file: Path, scale: float | None, seconds: float | None) -> Scaled:
    chosen = scale if scale is not None else auto_scale(claim.load, IMAGES_PER_S) if claim.load else 1.0
    try:
        return scaled(claim, chosen, seconds)
    except ValueError as error:
        raise BadInput(f"{file}: {error}") from None
