"""Target files: what they must say, and that nothing leaves this machine without the owner's consent."""

from datetime import datetime
from pathlib import Path

import pytest

from loadtest.archives import target_file
from loadtest.archives.addresses import is_loopback, kind
from loadtest.archives.consent import STATEMENT, token
from loadtest.archives.target import Destination, Target, TargetErrors
from loadtest.archives.target_file import load_target

EXAMPLE = Path(__file__).parents[3] / "scenarios" / "targets" / "example.toml"
HERE = 'name = "x"\nport = 4242\nae_title = "ARCHIVE"\n'
THERE = 'host = "192.0.2.7"\nallow_remote = true\n'
CONSENT = f"""
[consent]
statement = "{STATEMENT}"
owner = "Test Trust"
agreed_by = "A. Person"
agreed_on = 2026-01-05
valid_until = 2026-01-31
hours = [8, 20]
images_per_s = 20.0
gigabytes = 5.0
minutes = 60.0
modalities = ["CT"]
network = "private"
"""
NOON = datetime(2026, 1, 10, 12)


def read(tmp_path: Path, text: str, now: datetime = NOON) -> Target:
    file = tmp_path / "target.toml"
    file.write_text(text, encoding="utf-8")
    return load_target(file, now)


def refused(tmp_path: Path, text: str, now: datetime = NOON) -> TargetErrors:
    with pytest.raises(TargetErrors) as raised:
        read(tmp_path, text, now)
    assert raised.value.exit_code == 2
    assert "target.toml" in str(raised.value)
    return raised.value


def test_the_example_is_a_target() -> None:
    target = load_target(EXAMPLE)
    assert (target.host, target.address, target.destinations[0].ae_title) == ("127.0.0.1", "127.0.0.1", "LISTENER")


def test_the_example_with_its_consent_lines_is_a_target(tmp_path: Path) -> None:
    """Uncommented, with a remote host, every commented line is good."""
    text = (
        EXAMPLE.read_text(encoding="utf-8")
        .replace('"127.0.0.1"  ', '"192.0.2.7"  ')
        .replace("http://127.0.0.1", "http://192.0.2.7")
    )
    head, _, consent = text.partition("# [consent]")
    body = "\n".join(line.removeprefix("# ") for line in consent.splitlines())
    target = read(tmp_path, "allow_remote = true\n" + head + "[consent]" + body, datetime(2026, 1, 10, 21))
    assert target.consent is not None
    assert target.peer().host == "192.0.2.7"


def test_it_travels_as_json() -> None:
    target = load_target(EXAMPLE)
    assert Target.model_validate_json(target.model_dump_json()) == target


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ("prot = 1", "prot", "remove it"),  # unknown key
        ("port = 0", "port", "greater than or equal to 1"),
        ('port = "4242"', "port", "integer"),  # strict: no silent conversion
        ('ae_title = "SEVENTEEN_LETTERS"', "ae_title", "1 to 16"),
        ('ae_title = "A\\\\B"', "ae_title", "backslash"),
        ('base_url = "ftp://127.0.0.1/"', "base_url", "http(s)://"),
        ('base_url = "http://user:hunter2@127.0.0.1/"', "base_url", "without user"),
        ('base_url = "http://192.0.2.7/dicom-web"', "base_url", "allow_remote"),
        ('statistics_url = "http://archive.example/s"', "statistics_url", "allow_remote"),
        ('host = "192.0.2.7"', "host", STATEMENT),
        ('host = "localhost.example"', "host", "allow_remote"),  # a name is not loopback because it begins so
        ('host = "0.0.0.0"', "host", "allow_remote"),
        ("allow_remote = true", "", "go together"),
        ('allow_remote = "yes"', "allow_remote", "boolean"),
        ('address = "127.0.0.1"', "address", "remove it"),
        ("pid = 1", "pid", "remove it"),
    ],
)
def test_bad_lines(tmp_path: Path, line: str, key: str, says: str) -> None:
    name = line.split(" ", 1)[0]
    kept = "".join(one + "\n" for one in HERE.splitlines() if not one.startswith(name))
    errors = refused(tmp_path, kept + line)
    assert key in [problem.key for problem in errors.problems]
    assert says in str(errors)


def test_the_secret_of_a_url_is_not_repeated(tmp_path: Path) -> None:
    assert "hunter2" not in str(refused(tmp_path, HERE + 'base_url = "http://user:hunter2@127.0.0.1/"'))


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    errors = refused(tmp_path, 'port = "x"\nbase_url = "ftp://x"\nwrong = 1\n')
    assert {problem.key for problem in errors.problems} == {"name", "ae_title", "port", "base_url", "wrong"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not toml", "target.toml:1:5: not valid TOML"),
        ("a = 1\na = 2", "target.toml:2:1: a: set twice: first in line 1; keep one of them"),
        ("[" * 2_000, "target.toml:1:3: not valid TOML"),
        ("\ufeff\0", "target.toml:1:1: not valid TOML"),
    ],
)
def test_what_is_not_toml(tmp_path: Path, text: str, says: str) -> None:
    assert says in str(refused(tmp_path, text))


def test_a_misspelt_key_is_told_with_its_line_and_the_nearest(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, HERE + 'softwear = "Orthanc"\n').problems
    assert (problem.line, problem.key, problem.nearest) == (4, "softwear", "software")
    assert "ae_title" in problem.allowed
    assert problem.to_json().keys() >= {"file", "line", "column", "key", "message", "allowed", "nearest", "mend"}
    assert "did you mean 'software'?; mend: remove it" in str(problem)


def test_missing_and_huge_files(tmp_path: Path) -> None:
    with pytest.raises(TargetErrors, match="No such file"):
        load_target(tmp_path / "none.toml")
    assert "about 1 kB" in str(refused(tmp_path, "#" * (target_file.LARGEST_FILE + 1)))


def test_consent_opens_the_way(tmp_path: Path) -> None:
    target = read(tmp_path, HERE + THERE + CONSENT)
    assert target.address == "192.0.2.7"
    assert target.consent is not None
    assert target.consent.excess(30.0, 1.0, 61.0) == ["images_per_s 30 > 20", "minutes 61 > 60"]


@pytest.mark.parametrize("line", [line for line in CONSENT.splitlines() if "=" in line])
def test_each_line_of_the_consent_is_needed(tmp_path: Path, line: str) -> None:
    errors = refused(tmp_path, HERE + THERE + CONSENT.replace(line, ""))
    assert [problem.key for problem in errors.problems] == [f"consent.{line.split(' ')[0]}"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (STATEMENT, "yes, go on", "must read exactly"),
        ('"private"', '"public"', "a private address; agreed is public"),
        ("2026-01-05", "2026-02-05", "before agreed_on"),
        ("[8, 20]", "[20, 8]", "from before to"),
        ("20.0", "0.0", "greater than 0"),
        ('["CT"]', '["XX"]', "modalities"),
        ("2026-01-31", '"2026-01-31"', "valid_until"),
    ],
)
def test_consent_that_does_not_hold(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert says in str(refused(tmp_path, HERE + THERE + CONSENT.replace(old, new)))


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (datetime(2026, 1, 4, 12), "begins on 2026-01-05"),
        (datetime(2026, 2, 1, 12), "ended on 2026-01-31"),
        (datetime(2026, 1, 10, 7, 59), "covers 8 to 20"),
        (datetime(2026, 1, 10, 20), "covers 8 to 20"),
    ],
)
def test_consent_has_its_time(tmp_path: Path, now: datetime, says: str) -> None:
    assert says in str(refused(tmp_path, HERE + THERE + CONSENT, now))


def test_every_host_must_lie_in_the_network_agreed_to(tmp_path: Path) -> None:
    text = HERE + THERE + 'base_url = "http://8.8.8.8/dicom-web"\n' + CONSENT
    assert "8.8.8.8, a public address" in str(refused(tmp_path, text))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.1.2.3", "private"),
        ("169.254.1.1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("0.0.0.0", "unspecified"),
        ("8.8.8.8", "public"),
        ("::ffff:8.8.8.8", "public"),
    ],
)
def test_kinds_of_address(address: str, expected: str) -> None:
    assert kind(address) == expected
    assert is_loopback(address) == (expected == "loopback")


def test_tokens_differ_by_target() -> None:
    one = token("archive.example", 104, "A", "Trust")
    assert one == token("ARCHIVE.example", 104, "A", "Trust")
    assert one.startswith("FILMLESS-")
    assert len({one, token("archive.example", 105, "A", "Trust"), token("archive.example", 104, "B", "Trust")}) == 3


def test_a_destination_has_a_proper_ae_title() -> None:
    with pytest.raises(ValueError, match="1 to 16"):
        Destination(ae_title="", port=104)
