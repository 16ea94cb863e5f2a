"""Tables of the five cases: who gains, what is not in money, cash by year and payer, benefits to come, monitoring."""

import pandas as pd

from filmless.report.simulated import Simulated
from filmless.report.words import clean
from sim.answers.case import Case
from sim.answers.case.catalogue import BENEFITS, COSTS, DIS
from sim.answers.case.register import OPTION
from sim.answers.case.summary import realised
from sim.answers.case.views import by_cluster, by_line
from sim.world.financial_year import financial_year

THOUSAND = -3
HAND = (  # what nobody prices, with its direction (G11); the sizes of things counted stand in the table above it
    ("Quality of diagnosis: windowing, magnification, priors at hand", "better"),
    ("Teaching and research with a searchable archive", "better"),
    ("Hazardous chemicals in the darkroom", "less"),
    ("Resilience: one archive down stops many hospitals", "worse"),
    ("Lock-in to a supplier and its formats", "worse"),
    ("Choice of trusts that would have bought differently", "less"),
)


def _heads(sim: Simulated, table: pd.DataFrame, ends: dict[str, str]) -> pd.DataFrame:
    out = table.assign(**{c: table[c].round(THOUSAND) for c in ends})
    return out.rename(columns={c: f"{head} ({sim.currency})" for c, head in ends.items()} | {"n": "n (draws)"})


def gainers(sim: Simulated, case: Case) -> pd.DataFrame:
    """Benefit and cost by cluster, each bound in its own column (G10)."""
    return _heads(sim, sim.named(by_cluster(case, OPTION)),
                  {"value": "value", "low": "95 %, lower end", "high": "95 %, upper end"})  # fmt: skip


def lines_by_cluster(sim: Simulated, case: Case) -> pd.DataFrame:
    """Present value of each component in each cluster, base figures; clusters' intervals are by class."""
    rows = case.lines[case.lines["option"] == OPTION]
    worth = rows["amount_gbp"].to_numpy() * case.factors[rows["year"].to_numpy() - case.first_year]
    sums = rows.assign(value=worth).groupby(["cluster", "class", "name"], observed=True, sort=False)["value"].sum()
    out = sim.in_order(sums.reset_index().astype({"cluster": str, "class": str, "name": str}))
    return _heads(sim, sim.named(out), {"value": "value"})


def by_group(sim: Simulated, case: Case) -> pd.DataFrame:
    """Net present value by size of trust, and with or without a rural unit, each bound in its own column (G10)."""
    rows = case.groups[(case.groups["option"] == OPTION) & (case.groups["class"] == "npv")]
    return _heads(sim, rows[["grouping", "group", "trusts", "value", "low", "high", "n"]],
                  {"value": "net present value", "low": "95 %, lower end", "high": "95 %, upper end"})  # fmt: skip


def rural_units(sim: Simulated, case: Case) -> pd.DataFrame:
    """What Minor Injuries Units gain and cost (S9), apart from all else."""
    rows = by_line(case, OPTION)
    rows = rows[rows["line"].astype(str).isin(("miu_journeys", "unit_links"))]
    units = sum(s.kind == "miu" for s in sim.world.sites)
    out = rows[["class", "name", "value", "low", "high", "n"]].assign(units=units)
    return _heads(sim, out, {"value": "value", "low": "95 %, lower end", "high": "95 %, upper end"})


def not_in_money(case: Case) -> pd.DataFrame:
    """Things counted in their own units: spared over all years appraised, with direction (G11)."""
    rows = case.unmonetised[case.unmonetised["option"] == OPTION]
    return rows[["name", "unit", "value", "low", "high", "n", "direction"]].rename(
        columns={"value": "spared", "low": "95 %, lower end", "high": "95 %, upper end", "n": "n (draws)"})  # fmt: skip


def unpriced() -> pd.DataFrame:
    """What has neither price nor count."""
    return pd.DataFrame(HAND, columns=["what", "direction"]).assign(size="not measured")


def dis_benefits(sim: Simulated, case: Case) -> pd.DataFrame:
    """What gets worse, in money."""
    rows = by_line(case, OPTION)
    rows = rows[rows["class"].astype(str) == DIS][["name", "value", "low", "high", "n"]]
    return _heads(sim, rows, {"value": "value", "low": "95 %, lower end", "high": "95 %, upper end"})


def providers(sim: Simulated) -> pd.DataFrame:
    """Who provides, by cluster: the scenario's own names."""
    trusts = sim.world.trusts
    return pd.DataFrame([{
        "cluster": sim.cluster_name(code), "provider": clean(c.lsp), "PACS makers": ", ".join(map(clean, c.suppliers)),
        "programme trusts": sum(t.cluster == code and t.programme == "yes" for t in trusts),
        "had a PACS before": sum(t.cluster == code and t.programme != "yes" for t in trusts),
    } for code, c in sim.world.scenario.clusters.items() if code in sim.clusters])  # fmt: skip


def cash_by_line(sim: Simulated, case: Case) -> pd.DataFrame:
    """Economic case to financial case, line by line (G5)."""
    rows = case.financial[case.financial["option"] == OPTION]
    names = case.lines.drop_duplicates("line").set_index("line")["name"].astype(str)
    out = rows.assign(line=[names.get(x, x) for x in rows["line"].astype(str)]).drop(columns="option")
    return _heads(sim, out, {"economic_gbp": "economic, undiscounted", "left_out_gbp": "left out: no cash",
                             "vat_gbp": "VAT", "financial_gbp": "financial"})  # fmt: skip


def cash_by_year(sim: Simulated, case: Case) -> pd.DataFrame:
    """Each class in each financial year, all programme trusts, undiscounted, base figures."""
    rows = case.lines[case.lines["option"] == OPTION]
    wide = rows.pivot_table(index="year", columns="class", values="amount_gbp", aggfunc="sum", observed=True)
    out = wide.reindex(columns=[*BENEFITS, *COSTS], fill_value=0.0).round(THOUSAND).reset_index()
    out["year"] = [f"{y}/{(y + 1) % 100:02d}" for y in out["year"]]
    return out.rename(columns={"year": "financial year"} | {c: f"{c} ({sim.currency})" for c in (*BENEFITS, *COSTS)})


def to_come(sim: Simulated, case: Case) -> pd.DataFrame:
    """Share of each class's present value that lies in the report's year and after (N9)."""
    year = financial_year(pd.Timestamp(str(sim.run.manifest["start"])).date())
    rows = realised(case.lines, case.factors, case.first_year, year)
    rows = rows[(rows["option"] == OPTION) & rows["class"].isin([*BENEFITS, *COSTS])].copy()
    share = 100 * rows["forecast_gbp"] / (rows["realised_gbp"] + rows["forecast_gbp"])
    rows["share"] = share.where(share.between(0, 100))  # where the two have different signs there is no share
    out = rows.drop(columns="option").rename(columns={"share": f"still to come from {year}/{(year + 1) % 100:02d} (%)"})
    return _heads(sim, out, {"realised_gbp": f"before {year}", "forecast_gbp": "still to come"})


def monitoring(case: Case) -> pd.DataFrame:
    """Who measures afterwards, against which baseline, when (G12)."""
    rows = case.register
    return pd.DataFrame({
        "measure": rows["measure"], "of": rows["name"], "baseline": rows["baseline"].replace("", "none: count it "
                                                                                                 "first"),
        "when": "in the year before go-live; 12 months after; each year until the last one appraised",
        "who": rows["owner"], "state": rows["state"],
    })  # fmt: skip


def evidence(case: Case) -> pd.DataFrame:
    """What is worth measuring: value of partial perfect information, single inputs and groups."""
    single = case.sensitivity.evppi.head(8).rename(columns={"input": "what"}).assign(inputs=1)
    many = case.sensitivity.groups.rename(columns={"group": "what"})
    keep = ["what", "inputs", "evppi_gbp", "standard_error_gbp", "n"]
    out = pd.concat([single[keep], many[keep]], ignore_index=True)
    out = out.assign(**{c: out[c].round(THOUSAND) for c in ("evppi_gbp", "standard_error_gbp")})
    return out.rename(columns={"evppi_gbp": f"worth measuring up to ({case.currency})", "n": "n (draws)",
                               "standard_error_gbp": f"standard error ({case.currency})"})  # fmt: skip
