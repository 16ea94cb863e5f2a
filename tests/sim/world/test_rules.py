"""Rules of consistency: each is broken once, tells its place and how to mend it, and says nothing of what is whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim.world.load import RULES, load_world
from sim.world.problems import Problem, ScenarioErrors
from tests.sim.tiny import profile, quantity, rollout, scenario, write_tiny

SCENARIOS = Path(__file__).parents[3] / "scenarios"
Data = dict[str, Any]
Tables = dict[str, list[str]]  # lines of each table, header first
Break = Callable[[Data, Tables], object]


def put(data: Data, path: str, value: Any) -> None:
    *above, last = path.split(".")
    for key in above:
        data = data[key]
    data[last] = value


def swap(tables: Tables, table: str, line: int, old: str, new: str) -> None:
    """Line 1 is the header."""
    assert old in tables[table][line - 1]
    tables[table][line - 1] = tables[table][line - 1].replace(old, new, 1)


def add_row(tables: Tables, table: str, line: int) -> None:
    tables[table].append(tables[table][line - 1])


PROVIDER = rollout()["providers"]["A provider"]


def second_cluster(data: Data, share: float) -> None:
    data["clusters"]["east"] = {**data["clusters"]["west"], "exams_share": quantity(share, "share")}


def destroyed(*trusts: str, months: float = 6) -> Data:
    return {"fire": {"what": "all burnt", "trusts": list(trusts), "delay": quantity(months, "month")}}


# rule: how it is broken, file and line (0: any) of the problem, its key, words of its message
BROKEN: dict[str, list[tuple[Break, str, str, str]]] = {
    "figures_have_sources": [
        (lambda d, t: put(d, "film.lost.source", "xx"), "tiny.toml", "film.lost.source", "no row 'xx' in"),
        (lambda d, t: put(d, "reading.hours.source", "y"), "tiny.toml", "reading.hours.source", "add it, or name one"),
    ],
    "clusters_in_use": [
        (lambda d, t: put(d, "clusters_used", ["wets"]), "tiny.toml", "clusters_used.0", "did you mean 'west'?"),
        (lambda d, t: put(d, "clusters_used", ["west", "west"]), "tiny.toml", "clusters_used.1", "twice: keep one"),
    ],
    "cluster_shares": [
        (lambda d, t: (second_cluster(d, 0.9), put(d, "clusters.west.exams_share", quantity(0.2, "share")),
                       put(d, "clusters_used", ["west"])), "tiny.toml", "clusters",
         "together is 1.1, over 1: lower one"),
    ],
    "cluster_archives": [
        (lambda d, t: put(d, "clusters.west.archives", ["a", "agfa"]), "tiny.toml", "clusters.west.archives.1",
         "no archive 'agfa': add [archives.agfa]"),
    ],
    "money_in_own_currency": [
        (lambda d, t: put(d, "prices.sheet", quantity(1.5, "DKK")), "tiny.toml", "prices.sheet.unit",
         "'DKK' is not the scenario's currency: convert it to GBP"),
        (lambda d, t: put(d, "prices.clerk", quantity(10, "EUR/h")), "tiny.toml", "prices.clerk.unit", "to GBP/h"),
    ],
    "providers_are_the_clusters": [
        (lambda d, t: put(d, "rollout", rollout(providers={**rollout()["providers"], "A providr": PROVIDER})),
         "tiny.toml", "rollout.providers.A providr", "did you mean 'A provider'?"),
        (lambda d, t: (second_cluster(d, 0.001), put(d, "clusters_used", ["west"]), put(d, "rollout", rollout()),
                       put(d, "clusters.east.lsp", "Other")),
         "tiny.toml", "rollout.providers", "no provider Other: say when its teams begin"),
    ],
    "weights": [
        (lambda d, t: put(d, "settings.op.hourly", profile([1] * 23)), "tiny.toml", "settings.op.hourly.values",
         "23 values: give 24"),
        (lambda d, t: put(d, "modalities.CT.season", profile([0] * 12)), "tiny.toml", "modalities.CT.season.values",
         "all values are 0"),
    ],
    "positive": [
        (lambda d, t: put(d, "reading.utilisation", quantity(0, "share")), "tiny.toml", "reading.utilisation.value",
         "must be above 0"),
        (lambda d, t: put(d, "archives.a.ingest_servers", quantity(1.5, "count")), "tiny.toml",
         "archives.a.ingest_servers.value", "whole numbers"),
    ],
    "links_are_shared": [
        (lambda d, t: put(d, "network.interactive", quantity(1, "share")), "tiny.toml", "network.interactive.value",
         "leave some for storing"),
    ],
    "views_elsewhere": [
        (lambda d, t: put(d, "settings.gp.view_trust", quantity(0.95, "share")), "tiny.toml", "settings.gp",
         "is 1.02, over 1: lower one"),
    ],
    "priors_are_somewhere": [
        (lambda d, t: put(d, "demand.prior_other_cluster", quantity(0.3, "share")), "tiny.toml",
         "demand.prior_other_cluster", "is 1.1, over 1: lower one"),
    ],
    "recall_is_shared": [
        (lambda d, t: (put(d, "clusters.west.recall", "cluster"), put(d, "clusters.west.sharing", False)), "tiny.toml",
         "clusters.west.recall", "sharing is false: set sharing = true, or recall = 'site'"),
        (lambda d, t: put(d, "clusters.west.recall", "country"), "tiny.toml", "clusters.west.recall",
         "set demand.lookup and demand.prior_other_cluster"),
    ],
    "sizing_inside_plan": [
        (lambda d, t: put(d, "plan.sizing_year", 2020), "tiny.toml", "plan.sizing_year", "choose a year in it"),
    ],
    "one_price_base": [
        (lambda d, t: put(d, "costs.radiologist", quantity(100, "GBP/h", price_year=2005)), "tiny.toml",
         "costs.radiologist.price_year", "a price of 2005 among prices of 2004 (price_base): convert"),
        (lambda d, t: put(d, "film.lost", quantity(0.1, "share", price_year=2004)), "tiny.toml", "film.lost.price_year",
         "no price: leave price_year out"),
    ],
    "no_negative_prices": [
        (lambda d, t: put(d, "prices.packet", quantity(0.3, "GBP", low=-0.1)), "tiny.toml", "prices.packet.low",
         "not below 0"),
    ],
    "biases_have_bounds": [
        (lambda d, t: put(d, "appraisal.bias.capital.upper", quantity(0.05, "ratio")), "tiny.toml",
         "appraisal.bias.capital.lower.value", "lower is 0.1, above upper, 0.05"),
    ],
    "causes_add_up": [
        (lambda d, t: put(d, "appraisal.causes.sites.weight", quantity(0.7, "share")), "tiny.toml", "appraisal.causes",
         "add up to 1.2: make them 1"),
    ],
    "appraised_years_are_whole": [
        (lambda d, t: put(d, "appraisal.years", quantity(9.5, "year")), "tiny.toml", "appraisal.years.value",
         "whole financial years"),
    ],
    "yardsticks_are_positive": [
        (lambda d, t: put(d, "costs.typical_trust", quantity(0, "count")), "tiny.toml", "costs.typical_trust.value",
         "must be above 0"),
    ],
    "correlated_inputs_are_known": [
        (lambda d, t: put(d, "correlations.film.members", ["prices.sheet", "prices.shet"]), "tiny.toml",
         "correlations.film.members.1", "did you mean 'prices.sheet'?"),
        (lambda d, t: put(d, "correlations.film.members", ["prices.sheet", "prices.sheet"]), "tiny.toml",
         "correlations.film.members.1", "already: keep it in one group"),
    ],
    "rollout_in_the_years_appraised": [
        (lambda d, t: swap(t, "trusts", 3, "2006-04-01", "2014-05-01"), "trusts.csv:3:6", "live",
         "after the 10 financial years appraised, which end on 2014-03-31"),
    ],
    "rows_have_sources": [
        (lambda d, t: swap(t, "volumes", 3, ",x,", ",y,"), "volumes.csv:3:6", "source", "no row 'y' in"),
    ],
    "ids_are_unique": [
        (lambda d, t: add_row(t, "sources", 2), "sources.csv:3:1", "id", "line 2 has it already"),
        (lambda d, t: add_row(t, "trusts", 2), "trusts.csv:4:1", "trust", "line 2 has it already"),
    ],
    "sites_are_unique": [
        (lambda d, t: swap(t, "sites", 3, "2002", "2001"), "sites.csv:3:2", "number", "line 2 has it already"),
        (lambda d, t: (add_row(t, "sites", 2), swap(t, "sites", 6, "2001", "2009")), "sites.csv:6:1", "site",
         "one row"),
    ],
    "rows_are_unique": [
        (lambda d, t: add_row(t, "volumes", 2), "volumes.csv:5:2", "year", "one row a year: line 2"),
        (lambda d, t: (add_row(t, "mix", 2), swap(t, "mix", 17, ",0.2,", ",0,")), "mix.csv:17:2", "setting",
         "one row a set"),
    ],
    "trusts_have_clusters": [
        (lambda d, t: swap(t, "trusts", 3, "west", "wset"), "trusts.csv:3:3", "cluster", "did you mean 'west'?"),
        (lambda d, t: second_cluster(d, 0.1), "tiny.toml", "tables.trusts", "'east' is in use and has no trust"),
    ],
    "trusts_have_archives": [
        (lambda d, t: swap(t, "trusts", 2, ",a,", ",b,"), "trusts.csv:2:4", "archive", "add it there; allowed: a"),
    ],
    "programme_has_dates": [
        (lambda d, t: swap(t, "trusts", 2, "2006", "0206"), "trusts.csv:2:6", "live", "not believable"),
    ],
    "destroyed_equipment_was_to_be_used": [
        (lambda d, t: put(d, "golive_destroyed", destroyed("T9")), "tiny.toml", "golive_destroyed.fire.trusts.0",
         "trust 'T9' is not in the trusts table: name one that is to go live"),
        (lambda d, t: (put(d, "golive_destroyed", destroyed("T1")), swap(t, "trusts", 2, "2006-03-08", "")),
         "tiny.toml", "golive_destroyed.fire.trusts.0", "is not of the programme, or never goes live"),
        (lambda d, t: put(d, "golive_destroyed", destroyed("T1", "T1")), "tiny.toml",
         "golive_destroyed.fire.trusts.1", "trust 'T1' is there twice: keep one"),
        (lambda d, t: put(d, "golive_destroyed", destroyed("T1", months=0)), "tiny.toml",
         "golive_destroyed.fire.delay.value", "no delay: give one above 0"),
    ],
    "sites_have_trusts": [
        (lambda d, t: swap(t, "sites", 5, "T2", "T9"), "sites.csv:5:4", "trust", "no trust 'T9'"),
        (lambda d, t: t["trusts"].append(t["trusts"][1].replace("T1", "T3")), "trusts.csv:4:1", "trust", "has no site"),
    ],
    "reading_places": [
        (lambda d, t: swap(t, "sites", 5, ",C,", ",CC,"), "sites.csv:5:8", "reads_at", "no site 'CC'"),
        (lambda d, t: swap(t, "sites", 5, ",C,", ",A,"), "sites.csv:5:8", "reads_at", "is a site of trust 'T1'"),
        (lambda d, t: (swap(t, "sites", 5, ",T2,", ",T1,"), swap(t, "sites", 5, ",C,", ",B,"),
                       swap(t, "sites", 3, ",no,B,", ",no,A,")), "sites.csv:5:8", "reads_at",
         "read at 'A': name that one"),
    ],
    "site_modalities": [
        (lambda d, t: swap(t, "sites", 3, "CR US", "CR UX US"), "sites.csv:3:9", "modalities", "no modality 'UX'"),
        (lambda d, t: swap(t, "sites", 3, "CR US", "CR US CR"), "sites.csv:3:9", "modalities", "twice: keep one"),
        (lambda d, t: swap(t, "sites", 3, "CR US", ""), "sites.csv:3:9", "modalities", "name one at least"),
    ],
    "mix_adds_up": [
        (lambda d, t: swap(t, "mix", 2, "0.2", "0.3"), "mix.csv:6:3", "share", "add up to 1.1: make them 1"),
        (lambda d, t: d["settings"].pop("gp"), "mix.csv:5:2", "setting", "no setting 'gp': its exams would be lost"),
        (lambda d, t: t.update(mix=[r for r in t["mix"] if not r.startswith("CT")]), "tiny.toml", "tables.mix",
         "no row for CT"),
    ],
    "volumes_are_known": [
        (lambda d, t: t["volumes"].pop(), "tiny.toml", "tables.volumes", "no row for US: give its exams"),
    ],
    "figures_lie_in_their_ranges": [
        (lambda d, t: swap(t, "volumes", 2, ",,", ",1,2"), "volumes.csv:2:3", "exams", "outside its range 1 to 2"),
        (lambda d, t: swap(t, "mix", 3, ",,", ",0.1,"), "mix.csv:3:3", "share", "half a range"),
    ],
    "prior_ages_ascend": [
        (lambda d, t: swap(t, "prior_age", 4, "6", "3"), "prior_age.csv:4:1", "months", "months must ascend"),
        (lambda d, t: swap(t, "prior_age", 4, "0.72", "0.5"), "prior_age.csv:4:2", "share", "share must ascend"),
        (lambda d, t: t["prior_age"].pop(), "prior_age.csv:5:2", "share", "1 in the last"),
        (lambda d, t: t.update(prior_age=t["prior_age"][:2]), "tiny.toml", "tables.prior_age", "two rows at least"),
    ],
    "exams_have_places": [
        (lambda d, t: swap(t, "sites", 5, "miu", "acute"), "tiny.toml", "tables.sites",
         "no place for CR of setting miu: give it to a Minor Injuries Unit"),
    ],
}  # fmt: skip
CASES = [(name, *case) for name, cases in BROKEN.items() for case in cases]


def broken(folder: Path, change: Break) -> list[Problem]:
    data = scenario()
    path = write_tiny(folder, data)
    tables = {p.stem: p.read_text().splitlines() for p in folder.glob("*.csv")}
    change(data, tables)
    write_tiny(folder, {**data, "modalities": data["modalities"]})
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(ScenarioErrors) as caught:
        load_world(path)
    return caught.value.problems


@pytest.mark.parametrize(
    ("rule", "change", "place", "key", "words"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)]
)
def test_a_broken_rule_tells_its_place_and_how_to_mend(
    tmp_path: Path, rule: str, change: Break, place: str, key: str, words: str
) -> None:
    found = broken(tmp_path, change)
    mine = [p for p in found if p.key == key and words in str(p)]
    assert mine, [str(p) for p in found]
    assert f"/{place}" in str(mine[0])
    assert mine[0].line > 0
    assert all(p.key == key and words in str(p) for p in found), [str(p) for p in found]  # no rule but this one


def test_every_rule_is_broken_above() -> None:
    assert set(BROKEN) == {rule.name for rule in RULES}
    assert all(rule.check.__doc__ for rule in RULES)


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_shipped_scenarios_break_none(path: Path) -> None:
    load_world(path)


def test_rules_of_rows_and_of_the_file_are_told_at_once(tmp_path: Path) -> None:
    def change(d: Data, t: Tables) -> None:
        put(d, "network.interactive", quantity(1, "share"))
        put(d, "film.lost.source", "y")
        swap(t, "volumes", 3, ",x,", ",y,")

    assert [p.key for p in broken(tmp_path, change)] == ["network.interactive.value", "film.lost.source", "source"]


def test_a_broken_table_hides_only_the_rules_that_need_it(tmp_path: Path) -> None:
    def change(d: Data, t: Tables) -> None:
        swap(t, "mix", 2, "0.2", "much")
        swap(t, "trusts", 3, "west", "wset")
        put(d, "network.interactive", quantity(1, "share"))

    assert {p.key for p in broken(tmp_path, change)} == {"share", "cluster", "network.interactive.value"}


def test_tables_are_read_though_the_file_is_broken(tmp_path: Path) -> None:
    def change(d: Data, t: Tables) -> None:
        put(d, "seed", "one")
        swap(t, "mix", 2, "0.2", "much")

    assert {p.key for p in broken(tmp_path, change)} == {"seed", "share"}
