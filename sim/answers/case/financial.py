"""The financial case: cash as budgets pay it, with VAT, reconciled line by line with the economic case (G5).

The economic case leaves out VAT (a transfer), depreciation, sunk cost and financing. The financial case leaves out what
is nobody's cash: time freed and patients' journeys.
"""

import numpy as np
import pandas as pd

from sim.answers.case.catalogue import CAPITAL, CASH, RUNNING

CASH_DIS = ("silver", "cd_exchange")  # dis-benefits that are cash
TAXED = (  # goods, and services on which a trust gets no VAT back
    "film", "repeat_film", "chemicals", "packets", "upkeep", "cd_exchange", "pacs_capital", "displays", "maintenance",
    "storage",
)  # fmt: skip


def financial_table(lines: pd.DataFrame, vat: float) -> pd.DataFrame:
    """option, line, class, economic_gbp (undiscounted), left_out_gbp (no cash), vat_gbp, financial_gbp.

    economic_gbp + left_out_gbp + vat_gbp = financial_gbp in every row.
    """
    sums = lines.groupby(["option", "line", "class"], observed=True, sort=False)["amount_gbp"].sum().reset_index()
    economic = sums["amount_gbp"].to_numpy()
    cash = (sums["class"].isin([CASH, CAPITAL, RUNNING]) | sums["line"].isin(CASH_DIS)).to_numpy()
    tax = np.where(cash & sums["line"].isin(TAXED).to_numpy(), economic * vat, 0.0).round(2)
    left_out = np.where(cash, 0.0, -economic)
    return sums[["option", "line", "class"]].assign(
        economic_gbp=economic, left_out_gbp=left_out, vat_gbp=tax, financial_gbp=economic + left_out + tax
    )
