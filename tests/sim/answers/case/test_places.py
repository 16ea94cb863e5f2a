"""Units of a place against the run's own flows."""

import numpy as np
import pytest

from sim.answers.case.places import places_of
from sim.answers.case.rates import rates_of, waits_of
from sim.runs.store import Run
from sim.world.demand import modality_codes, national_volume, setting_codes
from sim.world.load import World


def test_exams_of_a_year_are_the_volumes(world: World, run: Run) -> None:
    (place,) = places_of(run, world)
    for y in (0, 5):
        volume = sum(national_volume(world, m, 2004 + y) for m in modality_codes(world))
        assert place.units[0, place.unit("exams"), :, y].sum() == pytest.approx(0.003 * volume)


def test_rates_give_the_flows_back(world: World, run: Run) -> None:
    """N5: totals by exam equal totals by component."""
    flows = run.table("flows")
    mods, sets = modality_codes(world), setting_codes(world)
    rates = rates_of(flows, "film", 3, mods, sets)
    rows = flows[flows["world"] == "film"]
    exams = rows.groupby(["replication", "modality", "setting"], observed=True)["exams"].sum()
    for unit in ("sheets", "lost", "repeats"):
        back = sum(n * rates[unit][r, mods.index(m), sets.index(s)] for (r, m, s), n in exams.items())
        assert back == pytest.approx(rows[unit].sum())


def test_repeats_and_sheets_are_as_the_scenario_says(world: World, run: Run) -> None:
    (place,) = places_of(run, world)
    exams = place.units[:, place.unit("packets")].mean(axis=0).sum()
    sheets = sum(place.units[:, place.unit(f"sheets:{m}")].mean(axis=0).sum() for m in modality_codes(world))
    film = sum(place.units[:, place.unit(f"repeats_film:{m}")].mean(axis=0).sum() for m in modality_codes(world))
    pacs = sum(place.units[:, place.unit(f"repeats_pacs:{m}")].mean(axis=0).sum() for m in modality_codes(world))
    assert 1.5 < sheets / exams < 2.5
    assert film / exams == pytest.approx(0.099, abs=0.02)
    assert pacs / exams == pytest.approx(0.073, abs=0.02)


def test_a_kind_that_a_replication_lacks_has_the_others_rate(world: World, run: Run) -> None:
    flows = run.table("flows")
    mods, sets = modality_codes(world), setting_codes(world)
    some = flows[~((flows["replication"] == 1) & (flows["modality"] == "CT") & (flows["setting"] == "gp"))]
    full, holed = (rates_of(f, "film", 3, mods, sets)["sheets"] for f in (flows, some))
    m, s = mods.index("CT"), sets.index("gp")
    assert holed[1, m, s] == pytest.approx(holed[[0, 2], m, s].mean(), rel=0.2)
    others = [i for i in range(len(mods)) if i != m]
    assert (full[:, others] == holed[:, others]).all()


def test_national_shares_add_up(world: World, run: Run) -> None:
    (place,) = places_of(run, world)
    assert place.share.sum() == pytest.approx(0.003)  # of the nation's exams
    assert sorted(place.larger.tolist())[0] == 0


def test_part_of_a_place_keeps_its_sites(world: World, run: Run) -> None:
    (place,) = places_of(run, world)
    parts = [place.part(np.array([t])) for t in range(2)]
    exams = [p.units[0, p.unit("exams")].sum() for p in parts]
    assert sum(exams) == pytest.approx(place.units[0, place.unit("exams")].sum())
    assert [len(p.order) for p in parts] == [2, 2]


def test_waits_are_the_runs_means(world: World, run: Run) -> None:
    """Hours until the image can be seen in A&E, film and PACS; patients who come by appointment are not counted."""
    mods, sets = modality_codes(world), setting_codes(world)
    moments = run.table("moments")
    rows = moments[
        (moments["measure"] == "time_to_image_s") & (moments["setting"] == "ae") & (moments["modality"] == "CR")
    ]
    for which in ("film", "pacs"):
        found = waits_of(moments, which, 3, mods, sets)
        part = rows[(rows["world"] == which) & (rows["replication"] == 0)]
        assert found[0, mods.index("CR"), sets.index("ae")] == pytest.approx(
            part["sum_s"].sum() / part["n"].sum() / 3600
        )
        assert (found[:, :, sets.index("op")] == 0).all()
    (place,) = places_of(run, world)
    film, pacs = (place.units[:, place.unit(f"wait_{w}")].sum() for w in ("film", "pacs"))
    assert film > pacs > 0
