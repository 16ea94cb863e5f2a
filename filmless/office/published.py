"""The savings case as published tables: one table a sheet, marked and named, in ODS by the public sector's rules.

Rules: Analysis Function, "Releasing statistics in spreadsheets" (WCAG 2.2 AA). Built by gptables, the Analysis
Function's own, and converted by LibreOffice.
"""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from gptables.core.api import produce_workbook
from gptables.core.cover import Cover
from gptables.core.gptable import GPTable

from filmless.office.libreoffice import convert, soffice
from filmless.report.words import clean
from sim.answers.case.case import Case
from sim.answers.case.draws import CLASSES
from sim.answers.case.options import BAU
from sim.answers.case.summary import ENDS

MISSING = "[x]"
NOTES = pd.DataFrame({
    "Note reference": ["note 1", "note 2", "note 3"],
    "Note text": [
        "Simulated and estimated figures; many inputs are assumptions, named as such on the sheet Inputs.",
        "Intervals: 95% of draws of the inputs over replications of the simulation. The model's form is in none of "
        "them.",
        "Cash-releasing, non-cash-releasing, societal and dis-benefit are different things: do not add them.",
    ],
})  # fmt: skip
MOST = 30  # lines of the table of inputs that matter most


class Tables:
    """The tables of one case."""

    def __init__(self, case: Case, run: str, version: str) -> None:
        self.case, self.run, self.version = case, run, version
        self.money = f"{case.world.scenario.currency}, prices of {case.price_base}"
        self.lines = case.lines[case.lines["option"].astype(str) != BAU].astype(
            dict.fromkeys(("option", "cluster", "trust", "line", "name", "class"), str))  # fmt: skip
        self.names = {k: clean(v.name) for k, v in case.world.scenario.clusters.items()}

    @property
    def title(self) -> str:
        """Of the whole."""
        return f"Film against PACS: {clean(self.case.world.scenario.title)}"

    @property
    def source(self) -> str:
        """Below no table, but above each."""
        return f"Source: filmless {self.version}, run {self.run}, scenario {clean(self.case.world.scenario.title)}"

    def all(self) -> dict[str, tuple[str, pd.DataFrame]]:
        """Sheet name: title and table."""
        return {
            "Summary": ("Estimated net present value, cost and ratio of each option", self.summary()),
            "By_cluster": ("Estimated present value by cluster and class, programme as announced", self.by_cluster()),
            "By_year": ("Estimated difference to business as usual by financial year and class", self.by_year()),
            "By_line": ("Estimated present value of each line, programme as announced", self.by_line()),
            "By_trust": ("Estimated present value by trust and class, programme as announced", self.by_trust()),
            "Inputs": ("Inputs that move the net present value most", self.inputs()),
        }  # fmt: skip

    def summary(self) -> pd.DataFrame:
        """Option and measure, with both bounds."""
        rows = self.case.summary[self.case.summary["option"] != BAU]
        units = {"bcr": "ratio", "payback_year": "financial year", "cost_per_exam": f"{self.money}, an exam"}
        return pd.DataFrame({
            "Option": rows["option_name"].map(clean), "Measure": rows["measure"],
            "Unit": [units.get(m, self.money) for m in rows["measure"]],
            "Value": rows["value"], "Lower end of 95% interval": rows["low"], "Upper end of 95% interval": rows["high"],
            "Draws (number)": rows["n"], "Share of draws above zero": rows["chance_above_zero"],
        })  # fmt: skip

    def _worth(self) -> pd.DataFrame:
        own = self.lines[self.lines["option"] == "programme"]
        return own.assign(worth=own["amount_gbp"] * self.case.factors[own["year"] - self.case.first_year])

    def by_cluster(self) -> pd.DataFrame:
        """Present value by cluster and class with both bounds."""
        worth, rows = self._worth().groupby(["cluster", "class"])["worth"].sum(), []
        clusters = list(dict.fromkeys(self.case.lines["cluster"].astype(str)))
        drawn = self.case.draws.by_cluster["programme"]
        for c, cluster in enumerate(clusters):
            for k, kind in enumerate(CLASSES):
                low, high = pd.Series(drawn[c, k]).quantile(list(ENDS))
                rows.append((self.names.get(cluster, cluster), kind, worth.get((cluster, kind), 0.0), low, high,
                             drawn.shape[2]))  # fmt: skip
        return pd.DataFrame(rows, columns=["Cluster", "Class", f"Present value ({self.money})",
                                           f"Lower end of 95% interval ({self.money})",
                                           f"Upper end of 95% interval ({self.money})", "Draws (number)"])  # fmt: skip

    def by_year(self) -> pd.DataFrame:
        """Undiscounted, base figures, long."""
        sums = self.lines.groupby(["option", "year", "class"])["amount_gbp"].sum().reset_index()
        return pd.DataFrame({
            "Option": sums["option"].map(self.case.options).map(clean), "Class": sums["class"],
            "Financial year": [f"{y}/{(y + 1) % 100:02d}" for y in sums["year"]],
            f"Difference to business as usual, undiscounted ({self.money})": sums["amount_gbp"],
        })  # fmt: skip

    def by_line(self) -> pd.DataFrame:
        """Present value of each line with both bounds."""
        sums = self._worth().groupby(["class", "line", "name"], sort=False)["worth"].sum().reset_index()
        drawn = self.case.draws.by_line["programme"]
        ends = drawn[list(sums["line"])].quantile(list(ENDS))
        return pd.DataFrame({
            "Line": sums["name"].map(clean), "Class": sums["class"], f"Present value ({self.money})": sums["worth"],
            f"Lower end of 95% interval ({self.money})": ends.iloc[0].to_numpy(),
            f"Upper end of 95% interval ({self.money})": ends.iloc[1].to_numpy(), "Draws (number)": len(drawn),
        })  # fmt: skip

    def by_trust(self) -> pd.DataFrame:
        """Base figures of each trust."""
        sums = self._worth().groupby(["cluster", "trust", "class"])["worth"].sum().reset_index()
        known = {t.trust: clean(t.name) for t in self.case.world.trusts}
        return pd.DataFrame({
            "Cluster": sums["cluster"].map(lambda c: self.names.get(c, c)), "Trust code": sums["trust"],
            "Trust": sums["trust"].map(lambda t: known.get(t, t)), "Class": sums["class"],
            f"Present value ({self.money})": sums["worth"],
        })  # fmt: skip

    def inputs(self) -> pd.DataFrame:
        """The tornado's first rows: an assumption says so."""
        top = self.case.sensitivity.tornado.head(MOST)
        npv = f"Net present value at {{}} end ({self.money})"
        return pd.DataFrame({
            "Input": top["input"], "Status": top["status"], "Unit": top["unit"], "Value": top["value"],
            "Low": top["low"], "High": top["high"],
            npv.format("low"): top["npv_low_gbp"], npv.format("high"): top["npv_high_gbp"],
        })  # fmt: skip


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    """No empty cell: what is not available says so; pounds are whole."""
    out = table.reset_index(drop=True)
    for name in out:
        if pd.api.types.is_float_dtype(out[name]):
            large = out[name].abs().max() > 1000
            column = out[name].round(0 if large else 6)
            out[name] = column.astype(object).where(column.notna(), MISSING)
    return out


def write_ods(path: Path, case: Case, run: str, version: str) -> None:
    """The published tables as ODS.

    Raises:
        Failed: LibreOffice is missing (said before any work), or could not convert.
    """
    soffice()
    tables = Tables(case, run, version)
    notes = ["Simulated and estimated. $$note 1$$", "Bounds and draws. $$note 2$$", "Classes. $$note 3$$"]
    sheets = {
        name: GPTable(table=_whole(table), table_name=name.lower(), title=title, subtitles=notes,
                               scope=tables.money, source=tables.source,
                               index_columns={1: 0}, instructions=f"This sheet has one table. {MISSING}: not "
                                                                  f"available.")
        for name, (title, table) in tables.all().items()
    }  # fmt: skip
    with TemporaryDirectory(prefix="filmless-ods-") as folder:
        made = Path(folder) / f"{path.stem}.xlsx"
        with warnings.catch_warnings():  # of gptables' own use of pandas
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            book = produce_workbook(str(made), sheets, cover=_cover(tables), notes_table=NOTES)
        book.set_properties({"title": tables.title, "author": f"filmless {version}", "subject": "Savings case"})
        book.close()
        converted = convert(made, "ods", Path(folder))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(converted.read_bytes())


def _cover(tables: Tables) -> Cover:
    start = tables.case.world.scenario.plan.start
    return Cover(
        cover_label="Cover", title=tables.title,
        intro=["Estimated costs and benefits of a national PACS rollout, by option, cluster, year and line.",
               f"Version: filmless {tables.version}, run {tables.run}. Plan from {start}."],
        about=["Organisation: whoever ran the scenario; the program has none.",
               "Values are at the scenario's own figures. Intervals: 95% of draws of the inputs over replications "
               "of the "
               "simulation; the model's form is in none of them.",
               "Classes (cash-releasing, non-cash-releasing, societal, dis-benefit) are different things: do not "
               "add them."],
        contact=["Contact: the analyst named in the run's metadata, where one is."],
    )  # fmt: skip
