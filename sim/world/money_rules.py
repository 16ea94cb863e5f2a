"""Rules of the money side: one price base, no negative price, a rollout inside the years appraised. One a function."""

from collections.abc import Iterator
from datetime import date

from sim.world.draft import Cell, Draft, Finding, rule
from sim.world.faults import postponed
from sim.world.financial_year import financial_year
from sim.world.models_at import field_at, limits_of
from sim.world.problems import nearest
from sim.world.quantity import MONEY, Quantity
from sim.world.rules import figures
from sim.world.toml_places import Path_


def _prices(d: Draft) -> Iterator[tuple[Path_, Quantity, bool]]:
    """Every figure with its key, and whether it is money."""
    for at, figure in figures(d.scenario):
        if isinstance(figure, Quantity):
            field = field_at(at)
            limits = limits_of(field) if field else None
            yield at, figure, bool(limits and MONEY in limits.unit)


@rule()
def one_price_base(d: Draft) -> Iterator[Finding]:
    """All prices are of one year (G3): years are never mixed silently."""
    base = d.scenario.price_base
    for at, figure, is_money in _prices(d):
        if figure.price_year is None:
            continue
        if not is_money:
            yield Finding((*at, "price_year"), "this is no price: leave price_year out")
        elif figure.price_year != base:
            words = (
                f"a price of {figure.price_year} among prices of {base} (price_base): convert value, low and high "
                f"with the GDP deflator, say so in the note, and set price_year = {base} or leave it out"
            )
            yield Finding((*at, "price_year"), words)


@rule()
def no_negative_prices(d: Draft) -> Iterator[Finding]:
    """Not even the low end of a price's range is below 0."""
    for at, figure, is_money in _prices(d):
        if is_money and figure.low is not None and figure.low < 0:
            yield Finding((*at, "low"), f"low is {figure.low:g}: a price is not below 0, nor is its range")


@rule()
def biases_have_bounds(d: Draft) -> Iterator[Finding]:
    """The lower bound of an optimism bias is not above the upper one."""
    for name in type(d.scenario.appraisal.bias).model_fields:
        bias = getattr(d.scenario.appraisal.bias, name)
        if bias.lower.value > bias.upper.value:
            words = f"lower is {bias.lower.value:g}, above upper, {bias.upper.value:g}: exchange them"
            yield Finding(("appraisal", "bias", name, "lower", "value"), words)


@rule()
def causes_add_up(d: Draft) -> Iterator[Finding]:
    """Weights of the causes of optimism bias add up to 1."""
    total = sum(c.weight.value for c in d.scenario.appraisal.causes.values())
    if abs(total - 1) > 1e-6:
        yield Finding(("appraisal", "causes"), f"weights of the causes add up to {total:g}: make them 1")


@rule()
def appraised_years_are_whole(d: Draft) -> Iterator[Finding]:
    """Whole financial years are appraised."""
    years = d.scenario.appraisal.years.value
    if years != int(years):
        yield Finding(("appraisal", "years", "value"), f"value is {years:g}: give whole financial years")


@rule()
def yardsticks_are_positive(d: Draft) -> Iterator[Finding]:
    """What costs are divided by is above 0."""
    if d.scenario.costs.typical_trust.value <= 0:
        words = "a trust's size is measured against this one: it must be above 0"
        yield Finding(("costs", "typical_trust", "value"), words)


@rule()
def correlated_inputs_are_known(d: Draft) -> Iterator[Finding]:
    """Correlated inputs are figures of the scenario, each in one group."""
    known = [".".join(map(str, at)) for at, figure in figures(d.scenario) if isinstance(figure, Quantity)]
    names, seen = set(known), dict[str, str]()
    for group, correlation in d.scenario.correlations.items():
        for i, member in enumerate(correlation.members):
            at: Path_ = ("correlations", group, "members", i)
            if member not in names:
                yield Finding(at, f"no figure '{member}': name its key", "", nearest(member, known))
            elif member in seen:
                yield Finding(at, f"'{member}' is in [correlations.{seen[member]}] already: keep it in one group")
            seen.setdefault(member, group)


@rule("trusts")
def rollout_in_the_years_appraised(d: Draft) -> Iterator[Finding]:
    """Every programme trust goes live before the years appraised are over: else its costs and benefits would vanish."""
    first, years = financial_year(d.scenario.plan.start), int(d.scenario.appraisal.years.value)
    end = date(first + years, 4, 1)
    for i, row in enumerate(d.trusts):
        live = row.live and postponed(d.scenario.golive_destroyed.values(), row.trust, row.live)
        if row.programme == "yes" and live is not None and live >= end and row.cluster in d.used:
            words = (f"goes live on {live}, after the {years} financial years appraised, which end on "
                     f"{end.year}-03-31: bring it forward, or raise appraisal.years")  # fmt: skip
            yield Finding(Cell("trusts", i, "live"), words)


MONEY_RULES = (
    one_price_base, no_negative_prices, biases_have_bounds, causes_add_up, appraised_years_are_whole,
    yardsticks_are_positive, correlated_inputs_are_known, rollout_in_the_years_appraised,
)  # fmt: skip
