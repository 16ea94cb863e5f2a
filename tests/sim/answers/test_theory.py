"""Theory beside a run: the formulas against known values, and a run against the formulas."""

from datetime import date

import numpy as np
import pytest

from sim.answers.theory import erlang_c, mean_wait, theory_table
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import Run
from tests.sim.tiny import quantity, scenario, tiny_world


def test_erlang_c_is_the_published_one() -> None:
    """One server: rho. Two at one Erlang: 1/3. Ten at eight: 0.409 (tables of Erlang C)."""
    found = erlang_c(np.array([1.0, 2.0, 10.0, 3.0]), np.array([0.7, 1.0, 8.0, 3.5]))
    assert found == pytest.approx([0.7, 1 / 3, 0.40918, 1.0], abs=1e-5)


def test_waits_by_hand() -> None:
    one, rate = np.ones(1), np.full(1, 0.8)
    assert mean_wait(one, rate, 1.0, 1.0, False)[0] == pytest.approx(4.0)  # M/M/1
    assert mean_wait(one, rate, 1.0, 0.0, False)[0] == pytest.approx(2.0)  # M/D/1
    assert mean_wait(one, rate, 1.0, 5.0, True)[0] == pytest.approx(4.0)  # processor sharing: the law does not matter
    assert mean_wait(one, np.full(1, 1.2), 1.0, 1.0, False)[0] == np.inf


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Slow archive and links, so that there is something to wait for."""
    folder, data = tmp_path_factory.mktemp("theory"), scenario()
    data["archives"]["a"]["ingest_servers"] = quantity(1, "count")
    data["archives"]["a"]["ingest_rate"] = quantity(0.3, "MB/s")
    spec = Spec(
        ("west",), date(2006, 3, 13), date(2006, 3, 27), 7, 5, warm_up_days=7, cool_down_days=2, worlds=("pacs",)
    )
    return Run(simulate(tiny_world(folder, data=data), spec, folder / "r"))


def test_laws_hold_in_a_run(run: Run) -> None:
    table = theory_table(run)
    assert (table["utilisation_law"].abs() < 0.02).all()
    assert (table["little"].abs() < 0.1).all()
    assert set(table["station"]) >= {"room", "store", "wan_up", "ingest", "reading"}


def test_a_wait_is_near_its_theory_where_it_holds_and_says_why_where_not(run: Run) -> None:
    table = theory_table(run).set_index("station")
    ingest = table.loc["ingest"]
    assert ingest["why_not"] == ""
    assert ingest["wait_s"] == pytest.approx(ingest["theory_wait_s"], rel=0.25)
    assert ingest["wait_s"] > 0.2
    assert (table.loc["room", "why_not"] == "opening hours, and emergencies first").all()
    assert table.loc["room", "theory_wait_s"].isna().all()
