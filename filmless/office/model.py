"""The savings case as a live spreadsheet: from the headline to each input by formulas, beside the stored results."""

import re
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from xlsxwriter.utility import xl_rowcol_to_cell

from filmless.office.rates import Grid, Rate
from filmless.office.sheet import Book, Cell, Live, Sheet
from filmless.report.tables import records
from filmless.report.words import clean
from sim.answers.case.case import Case
from sim.answers.case.catalogue import BENEFITS, COSTS
from sim.answers.case.draws import CLASSES
from sim.answers.case.inputs import BIASES, Values, base_values
from sim.answers.case.options import BAU

DISCOUNT = ("rate", "rate_31", "rate_76")
HEADLINE = "programme"
Floats = NDArray[np.float64]


def name_of(key: str) -> str:
    """A dotted key as a defined name; never one that could be read as a cell's address."""
    return "in_" + re.sub(r"\W", "_", key)


def words_of(rate: Rate) -> str:
    """The product as a formula of names, such as `in_prices_sheet*(1-in_appraisal_bias_benefits)`."""
    forms = {"x": "{}", "1-x": "(1-{})", "1+x": "(1+{})"}
    return "*".join(forms[form].format(name_of(key)) for key, form in rate.terms) or "1"


class Model:
    """Writes one workbook."""

    def __init__(self, path: Path, grid: Grid, case: Case, run: str, day: datetime) -> None:
        self.grid, self.case, self.run, self.day = grid, case, run, day
        self.title = clean(case.world.scenario.title)
        self.book = Book(str(path), f"Savings case: {self.title}", version("filmless"), day)
        self.x: Values = base_values(grid.inputs)
        self.lines = grid.model.lines
        self.years = [f"{grid.model.first + y}/{(grid.model.first + y + 1) % 100:02d}" for y in range(grid.model.years)]
        self.options = [o for o in grid.options if o != BAU]
        self.money_unit = f"{case.world.scenario.currency} of {case.price_base}"

    def write(self) -> None:
        """All sheets, in the order in which a reader follows them."""
        cover = self._cover()
        summary = self.book.sheet(
            "Summary", "What it comes to", [
                f"Simulated and estimated; {self.money_unit}, real, without VAT, against business as usual. Live cells "
                "follow the grey cells of the sheet Inputs.",
                "Low and high: 95 % of draws of the inputs over replications of the simulation; they do not follow.",
            ], ["Option", "Measure", "Live", "Stored", "Live less stored", "Low", "High", "n (draws)", "Definition"],
            [34, 26, 18, 18, 16, 18, 18, 10, 90])  # fmt: skip
        inputs = self._inputs()
        self._bias(inputs)
        years = self.book.sheet("Years", "By option, class and financial year",
                                ["Sums of the sheet Money. First row: discount factors, year 0 first."],
                                ["Option", "Class", *(f"{y} ({self.money_unit})" for y in self.years),
                                 "Present value", "Sum, undiscounted"], [34, 20])  # fmt: skip
        clusters = self.book.sheet(
            "Clusters",
            "Present value by option, cluster and class",
            ["Of the sheet Money."],
            ["Option", "Cluster", "Class", f"Present value ({self.money_unit})"],
            [34, 34, 20],
        )
        money = self._levels()
        self._years(years, money)
        self._clusters(clusters, years, money)
        self._summary(summary, years)
        self._register()
        cover.inner.activate()
        self.book.close()

    # --- words ---------------------------------------------------------------------------------------

    def _cover(self) -> Sheet:
        told = [
            "Film against PACS: business as usual, do minimum, programme (announced and as paid), local.",
            f"Run {self.run}; program filmless {version('filmless')}; scenario {self.case.world.path.name}.",
            f"Date: exams of {self.day:%d %B %Y} and after stand for every year (rates per exam).",
            "Organisation and contact: whoever ran the scenario; the program has none.",
            "Follow the headline: Summary, Years, Money, Levels, Rates and Quantities, Inputs.",
            "Grey cells of Inputs may be changed; the others are inside the quantities: change the scenario and run "
            "it.",
            "Assumed and recalled inputs say so in their status: they are not facts.",
            "Sheets:",
        ]  # fmt: skip
        cover = self.book.sheet("Cover", f"Savings case: {self.title}", told, [], [110])
        for name in ("Summary", "Inputs", "Optimism", "Years", "Clusters", "Money", "Levels", "Rates", "Credit",
                     "Quantities", "Register"):  # fmt: skip
            cover.inner.write_url(cover.next, 0, f"internal:'{name}'!A1", string=name)
            cover.next += 1
        return cover

    def _register(self) -> None:
        table = self.case.register
        sheet = self.book.sheet("Register", "Benefits register", ["One row a benefit or dis-benefit."],
                                [str(c).replace("_", " ") for c in table.columns])  # fmt: skip
        for row in table.astype(object).to_numpy():
            sheet.append([clean(v) if isinstance(v, str) else ("yes" if v else "no") if isinstance(v, bool) else
                          None if v is None else float(v) for v in row])  # fmt: skip

    # --- inputs --------------------------------------------------------------------------------------

    def _inputs(self) -> Sheet:
        sheet = self.book.sheet(
            "Inputs", "Inputs with sources and ranges",
            ["Live: yes where formulas follow the cell. Status assumed or from-memory: an assumption."],
            ["Input", "Name in formulas", "Value", "Low", "High", "Unit", "Live", "Status", "Source", "Address",
             "Note"],
            [44, 44, 14, 14, 14, 14, 8, 20, 50, 40, 80])  # fmt: skip
        live, sources = self.grid.live, self.case.world.sources
        for item in self.grid.inputs:
            known = sources.get(item.source)
            row = sheet.append([item.key, name_of(item.key), None, item.low, item.high, item.unit,
                                "yes" if item.key in live else "no", item.status,
                                clean(known.source) if known else item.source, clean(known.address) if known else "",
                                clean(item.note)], self.book.plain)  # fmt: skip
            sheet.put(row, 2, item.value, self.book.open if item.key in live else self.book.plain)
            self.book.define(name_of(item.key), "Inputs", row, 2)
        discount = self.case.world.scenario.appraisal.discount
        for name in DISCOUNT:
            q, key = getattr(discount, name), f"appraisal.discount.{name}"
            row = sheet.append([key, name_of(key), None, q.value, q.value, q.unit, "yes", q.status, q.source, "", ""],
                               self.book.plain)  # fmt: skip
            sheet.put(row, 2, q.value, self.book.open)
            self.book.define(name_of(key), "Inputs", row, 2)
        return sheet

    def _bias(self, inputs: Sheet) -> None:
        """Optimism bias by its formula; the cells on the sheet Inputs point here."""
        appraisal = self.case.world.scenario.appraisal
        sheet = self.book.sheet(
            "Optimism",
            "Optimism bias",
            ["Larger of lower bound and upper bound x (1 - sum of weight x managed)."],
            ["Cause or bias", "Weight, or upper bound", "Managed, or lower bound", "Bias", "Evidence"],
            [30, 18, 18, 14, 90],
        )
        for code, cause in appraisal.causes.items():
            row = sheet.append([code.replace("_", " "), None, None, None, clean(cause.evidence)])
            for column, q in ((1, cause.weight), (2, cause.managed)):
                sheet.put(row, column, q.value, self.book.open)
        weights, managed = sheet.span(1), sheet.span(2)
        rows = {item.key: inputs.first + i for i, item in enumerate(self.grid.inputs)}
        for kind in BIASES:
            bound, key = getattr(appraisal.bias, kind), f"appraisal.bias.{kind}"
            row = sheet.append([f"bias on {kind}", None, None, None, "see the status on the sheet Inputs"])
            for column, q in ((1, bound.upper), (2, bound.lower)):
                sheet.put(row, column, q.value, self.book.open)
            upper, lower = (xl_rowcol_to_cell(row, c) for c in (1, 2))
            value = float(self.x[key][0])
            made = Live(f"=MAX({lower},{upper}*(1-SUMPRODUCT({weights},{managed})))", value)
            sheet.put(row, 3, made, self.book.plain)
            inputs.put(rows[key], 2, Live(f"={sheet.at(row, 3)}", value), self.book.plain)

    # --- from quantities to money ----------------------------------------------------------------------

    def _levels(self) -> Sheet:
        years = [f"{y}" for y in self.years]
        money = self.book.sheet("Money", "Credited difference to business as usual", [
            f"{self.money_unit}, undiscounted, benefit positive: credit x (level of the option - level of business "
            f"as usual)."],
            ["Option", "Cluster", "Line", "Class", *years], [18, 18, 30, 20])  # fmt: skip
        levels = self.book.sheet(
            "Levels",
            "What is spent (negative) or spared, before any share of credit",
            ["Quantity x rate."],
            ["Option", "Cluster", "Line", *years],
            [18, 18, 30],
        )
        rates = self.book.sheet(
            "Rates",
            "Rates: products of inputs",
            ["Same line, same rate, in every cluster and year."],
            ["Option", "Line", "Name", "Made of", "Rate"],
            [18, 30, 44, 80, 18],
        )
        credit = self.book.sheet(
            "Credit",
            "Part of a line that is credited",
            ["Attribution x realisation x evidence x cash share x (1 - bias); 0: shown, not counted."],
            ["Line", "Name", "Class", "Made of", "Credit"],
            [30, 44, 20, 100, 12],
        )
        quantities = self.book.sheet("Quantities", "Quantities that the model computed",
                                     ["Everything that no rate holds: dates, exams, whole posts."],
                                     ["Option", "Cluster", "Line", *years], [18, 18, 30])  # fmt: skip
        credits = [self._credit(credit, i) for i in range(len(self.lines))]
        at: dict[tuple[str, int, int], int] = {}
        for option in self.grid.options:
            own = [self._rate(rates, option, i) for i in range(len(self.lines))]
            for c in range(len(self.grid.clusters)):
                for i in range(len(self.lines)):
                    at[option, c, i] = self._level(levels, quantities, rates, option, c, i, own[i])
        n_years = len(self.years)
        for option in self.options:
            amounts = self.grid.amounts(option, self.x)
            for c, cluster in enumerate(self.grid.clusters):
                for i, line in enumerate(self.lines):
                    pair = at[option, c, i], at[BAU, c, i]
                    cells = [self._difference(levels, credits[i], pair, y, amounts[c, i, y]) for y in range(n_years)]
                    money.append([option, cluster, line.id, line.kind, *cells])
        return money

    @staticmethod
    def _difference(levels: Sheet, credit: str, rows: tuple[int, int], y: int, value: float) -> Live:
        option, usual = (levels.at(row, 3 + y, False) for row in rows)
        return Live(f"={credit}*({option}-{usual})", float(value))

    def _credit(self, sheet: Sheet, i: int) -> str:
        line, rate = self.lines[i], self.grid.credits[i]
        words = words_of(rate) if self.grid.counted[i] else "0"
        value = float(rate.value(self.x)[0]) if self.grid.counted[i] else 0.0
        row = sheet.append([line.id, clean(line.name), line.kind, words, Live(f"={words}", value)], self.book.plain)
        return sheet.at(row, 4)

    def _rate(self, sheet: Sheet, option: str, i: int) -> str:
        rate = self.grid.rates[option][i]
        made = Live(f"={words_of(rate)}", float(rate.value(self.x)[0]))
        row = sheet.append([option, self.lines[i].id, clean(self.lines[i].name), words_of(rate), made], self.book.plain)
        return sheet.at(row, 4)

    def _level(self, levels: Sheet, quantities: Sheet, rates: Sheet, option: str, c: int, i: int, rate: str) -> int:
        values, found = self.grid.quantities[option][c, i], self.grid.levels(option, self.x)[c, i]
        names: list[Cell] = [option, self.grid.clusters[c], self.lines[i].id]
        row = quantities.append([*names, *map(float, values)], self.book.plain)
        cells = [Live(f"={quantities.at(row, 3 + y, False)}*{rate}", float(v)) for y, v in enumerate(found)]
        return levels.append([*names, *cells])

    # --- sums ------------------------------------------------------------------------------------------

    def _years(self, sheet: Sheet, money: Sheet) -> None:
        n = len(self.years)
        row = sheet.append(["all options", "discount factor"])
        for y in range(n):
            before = xl_rowcol_to_cell(row, 1 + y)
            rate = name_of("appraisal.discount." + DISCOUNT[0 if y <= 30 else 1 if y <= 75 else 2])
            made = Live(f"={before}/(1+{rate}/100)", float(self.grid.factors[y])) if y else 1.0
            sheet.put(row, 2 + y, made, self.book.plain)
        for option in self.options:
            amounts = self.grid.amounts(option, self.x)
            for kind in CLASSES:
                own = [i for i, line in enumerate(self.lines) if line.kind == kind]
                self._year_row(sheet, money, option, kind, amounts[:, own].sum(axis=(0, 1)))

    def _year_row(self, sheet: Sheet, money: Sheet, option: str, kind: str, values: Floats) -> None:
        n, row = len(self.years), sheet.next
        cells = [Live(f"=SUMIFS({money.span(4 + y)},{money.span(0)},$A{row + 1},{money.span(3)},$B{row + 1})",
                      float(values[y])) for y in range(n)]  # fmt: skip
        own = f"{xl_rowcol_to_cell(row, 2)}:{xl_rowcol_to_cell(row, 1 + n)}"
        factors = f"{xl_rowcol_to_cell(sheet.first, 2, True)}:{xl_rowcol_to_cell(sheet.first, 1 + n, True)}"
        worth = Live(f"=SUMPRODUCT({own},{factors})", float(values @ self.grid.factors))
        sheet.append([option, kind, *cells, worth, Live(f"=SUM({own})", float(values.sum()))])

    def _clusters(self, sheet: Sheet, years: Sheet, money: Sheet) -> None:
        n = len(self.years)
        factors = (
            f"Years!{xl_rowcol_to_cell(years.first, 2, True, True)}:{xl_rowcol_to_cell(years.first, 1 + n, True, True)}"
        )
        for option in self.options:
            amounts = self.grid.amounts(option, self.x)
            for c, cluster in enumerate(self.grid.clusters):
                for kind in CLASSES:
                    own, row = [i for i, line in enumerate(self.lines) if line.kind == kind], sheet.next + 1
                    where = f"({money.span(0)}=$A{row})*({money.span(1)}=$B{row})*({money.span(3)}=$C{row})"
                    made = f"=SUMPRODUCT({where}*{money.span(4, 3 + n)}*{factors})"
                    value = float(amounts[c, own].sum(axis=0) @ self.grid.factors)
                    sheet.append([option, cluster, kind, Live(made, value)])

    def _summary(self, sheet: Sheet, years: Sheet) -> None:
        worth = 2 + len(self.years)
        told = {(str(r["option"]), str(r["measure"])): r for r in records(self.case.summary)}
        rows = {(o, k): years.first + 1 + len(CLASSES) * i + j for i, o in enumerate(self.options)
                for j, k in enumerate(CLASSES)}  # fmt: skip
        for option in [HEADLINE, *(o for o in self.options if o != HEADLINE)]:

            def plus(kinds: tuple[str, ...], option: str = option) -> str:
                return "+".join(years.at(rows[option, k], worth) for k in kinds)

            whole, cost = plus(CLASSES), f"-({plus(COSTS)})"
            made = {
                "npv": f"={whole}",
                "public_cost": f"={cost}",
                "bcr": f'=IF({cost}>0,({plus(BENEFITS)})/({cost}),"[x]")',
            }
            for measure, formula in made.items():
                r = told[(option, measure)]
                value, stored = float(r["value"]), "[x]" if r["value"] != r["value"] else float(r["value"])
                row = sheet.append([clean(str(r["option_name"])), measure, Live(formula, stored), value, None,
                                    float(r["low"]), float(r["high"]), int(r["n"]), clean(str(r["definition"]))],
                                   self.book.plain if measure == "bcr" else self.book.money)  # fmt: skip
                live, kept = (xl_rowcol_to_cell(row, c) for c in (2, 3))
                sheet.put(row, 4, Live(f"=IF(ISNUMBER({live}),{live}-{kept},0)", 0.0), self.book.plain)
                if (option, measure) == (HEADLINE, "npv"):
                    self.book.define("headline_npv", "Summary", row, 2)


def write_model(path: Path, grid: Grid, case: Case, run: str, day: datetime) -> None:
    """The XLSX model of a run's savings case."""
    Model(path, grid, case, run, day).write()
