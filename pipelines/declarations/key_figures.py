"""The shape of the figures of the yearly report: which there are, under which heading, in which order.

What belongs here: what one declaration must look like by itself. What does not: the figures themselves, and how they
compare with the year before (`core.key_figure`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import model_validator

from pipelines.declarations.catalogue import Id, Text
from pipelines.declarations.strict import Strict


class BudgetLine(Strict):
    """Which amounts are meant. What is left out is added up: without `taakgebied` the whole budget is.

    `jaarrekening` is what a taakgebied cost in the end, by the accounts; the others are amounts of the budget, of which
    the newest vintage of a year counts.
    """

    basis: Literal["rijksbudget", "begroting", "realisatie", "jaarrekening"]
    side: Literal["lasten", "baten"]
    taakgebied: Id | None = None
    provision_form: Literal["zin", "pgb"] | None = None

    @model_validator(mode="after")
    def _accounts_are_per_taakgebied(self) -> BudgetLine:
        if self.basis == "jaarrekening" and (self.taakgebied is None or self.provision_form is not None):
            raise ValueError("found basis jaarrekening, expected a taakgebied with it and no provision_form")
        return self


class KeyFigure(Strict):
    """One figure of the yearly report: an indicator, or a line of the budget.

    The order of the declarations is that of the report. An indicator brings its own label and unit; `label_nl` is for
    where the report says it in another way, and must be given for a line of the budget.
    """

    figure_id: Id
    heading_nl: Text
    label_nl: Text | None = None
    indicator_id: Id | None = None
    budget: BudgetLine | None = None
    because: Text

    @model_validator(mode="after")
    def _is_one_figure(self) -> KeyFigure:
        if (self.indicator_id is None) == (self.budget is None):
            raise ValueError("found both or neither of indicator_id and budget, expected one of them")
        if self.budget is not None and self.label_nl is None:
            raise ValueError("found a line of the budget without label_nl, expected one")
        return self


def key_figure_rows(figures: Iterable[KeyFigure]) -> list[dict[str, object]]:
    """The rows of `declared.key_figure`, in the order of the report."""
    return [
        {
            **figure.model_dump(exclude={"budget"}),
            **(figure.budget.model_dump() if figure.budget else {}),
            "place": place,
        }
        for place, figure in enumerate(figures, start=1)
    ]
