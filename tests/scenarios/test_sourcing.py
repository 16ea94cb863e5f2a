"""Every figure says where it comes from and how far that is to be trusted; every invented place says so."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from sim.world.load import World, load_world
from sim.world.quantity import ASSUMPTIONS, Profile, Quantity, Sourced
from sim.world.tables import MixRow, SiteRow, TrustRow, VolumeRow

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FILES = sorted(SCENARIOS.glob("*.toml"))
PLAIN_NUMBERS = {"price_base", "seed", "sizing_year"}  # years and the seed: no measurement
AN_ID = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def world(request: pytest.FixtureRequest) -> World:
    return load_world(request.param)


def figures(model: BaseModel, where: str = "") -> Iterator[tuple[str, Sourced]]:
    """Every sourced figure of a scenario with its dotted key."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        found = value.items() if isinstance(value, dict) else [("", value)]
        for key, item in found:
            path = ".".join(part for part in (where, name, str(key)) if part)
            if isinstance(item, Sourced):
                yield path, item
            elif isinstance(item, BaseModel):
                yield from figures(item, path)


def bare_numbers(table: dict[str, Any], where: str = "") -> Iterator[str]:
    """Keys of numbers that stand outside a sourced table."""
    for key, value in table.items():
        path = f"{where}.{key}" if where else key
        if isinstance(value, dict) and "source" not in value:
            yield from bare_numbers(value, path)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_number_stands_alone(path: Path) -> None:
    bare = bare_numbers(tomllib.loads(path.read_text(encoding="utf-8")))
    assert {key.rpartition(".")[2] for key in bare} <= PLAIN_NUMBERS


def test_every_figure_names_a_known_source(world: World) -> None:
    unknown = [(key, q.source) for key, q in figures(world.scenario) if q.source not in world.sources]
    tables = [*world.trusts, *world.sites, *world.volumes, *world.mix, *world.prior_age]
    assert not unknown
    assert {row.source for row in tables} <= set(world.sources)


def test_an_assumption_has_its_range(world: World) -> None:
    for key, q in figures(world.scenario):
        if isinstance(q, (Quantity, Profile)) and q.is_assumption:
            assert q.low is not None, key
            assert q.high is not None, key
    rows: list[VolumeRow | MixRow] = [*world.volumes, *world.mix]
    for row in rows:
        if row.status in ASSUMPTIONS:
            assert row.low is not None, row
            assert row.high is not None, row


def test_a_value_lies_in_its_range(world: World) -> None:
    for volume in world.volumes:
        if volume.low is not None and volume.high is not None:
            assert volume.low <= volume.exams <= volume.high, volume
    for mix in world.mix:
        if mix.low is not None and mix.high is not None:
            assert mix.low <= mix.share <= mix.high, mix


def said_status(world: World, source: str) -> str:
    found = re.search(r"\(([a-z-]+)\)$", world.sources[source].note)
    assert found, f"source {source} does not end with its status"
    return found[1]


def test_nothing_claims_more_than_its_source(world: World) -> None:
    """A figure taken over has its source's status; anything made of it is derived or assumed."""
    for key, q in figures(world.scenario):
        assert q.status in ("derived", "assumed", said_status(world, q.source)), key
    for row in [*world.trusts, *world.sites, *world.volumes, *world.mix, *world.prior_age]:
        assert row.status in ("derived", "assumed", said_status(world, row.source)), row


def test_sources_end_with_their_status_and_name_only_known_ones(world: World) -> None:
    for row in world.sources.values():
        assert row.source, row
        assert said_status(world, row.id), row
        for name in AN_ID.findall(row.note):
            assert name in world.sources, f"{row.id} speaks of {name}"


def test_ids_in_notes_are_known(world: World) -> None:
    for key, q in figures(world.scenario):
        for name in AN_ID.findall(q.note):
            assert name in world.sources, f"{key} speaks of {name}"


def test_every_invented_place_says_so(world: World) -> None:
    places: list[TrustRow | SiteRow] = [*world.trusts, *world.sites]
    for place in places:
        assert (place.invented == "yes") == place.name.endswith("(invented)"), place


def test_named_trusts_are_the_few_that_sources_name(world: World) -> None:
    named = {t.name for t in world.trusts if t.invented == "no"}
    assert named <= {"West Dorset", "Hillingdon", "James Paget", "Hammersmith"}
    assert all(s.invented == "yes" for s in world.sites)


def test_sites_hang_together(world: World) -> None:
    site = {s.site: s for s in world.sites}
    trusts = {t.trust: t for t in world.trusts}
    for s in world.sites:
        hub = site[s.reads_at]
        assert hub.trust == s.trust, s
        assert hub.kind == "acute", s
    for trust in trusts.values():
        assert trust.archive in world.scenario.clusters[trust.cluster].archives, trust
    assert {s.trust for s in world.sites} == set(trusts)
