"""The project's own expectations: what this domain expects, said in the words of its readers.

Each is a subclass of an expectation that Great Expectations ships, with the column it judges and a
sentence that the pages show. What belongs here: the judgement on one column or key. What does not: the
query that computes that column (the suites), and metrics of our own, which Great Expectations does not
support.

Importing this module imports Great Expectations. Map expectations skip empty cells, so the column judged must
have a value in every row that is to be judged.
"""

from __future__ import annotations

from typing import Literal

import great_expectations.expectations as gxe


class ExpectColumnsAsDeclared(gxe.ExpectColumnValuesToBeInSet):
    """Every declared column is there, with the declared type."""

    column: str = "standing"
    value_set: list[str] = ["as_declared"]  # noqa: RUF012 - a pydantic field, copied per instance
    description: str = "Elke gedeclareerde kolom is er, met het gedeclareerde type"


class ExpectItemsDeclared(gxe.ExpectColumnValuesToBeInSet):
    """Nothing is delivered that the declaration maps to no indicator. `value_set` holds its items."""

    column: str = "item"
    description: str = "Elk geleverd onderwerp staat in de declaratie van de bron"


class ExpectRoundingAsDeclared(gxe.ExpectColumnValuesToBeBetween):
    """A figure is a multiple of what the publisher rounds to; what is left over is zero."""

    column: str = "rounding_remainder"
    min_value: float = 0
    max_value: float = 1e-6
    description: str = "Elk cijfer is afgerond zoals de uitgever zegt af te ronden"


class ExpectRowsAccountedFor(gxe.ExpectColumnValuesToBeBetween):
    """Rows in = loaded + recognised as no data + quarantined; nothing is left over."""

    column: str = "rows_unaccounted"
    min_value: int = 0
    max_value: int = 0
    description: str = "Elke rij van een levering is geladen, herkend als geen gegeven, of geweigerd"


class ExpectKeyToBeUnique(gxe.ExpectCompoundColumnsToBeUnique):
    """No two rows have the same key. Every row that shares its key with another fails."""

    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "never"
    description: str = "Elke sleutel komt één keer voor"


class ExpectValuesInRangeOfUnit(gxe.ExpectColumnValuesToBeBetween):
    """A value lies within what its unit allows; the column judged says how far it lies outside."""

    column: str = "outside_range_by"
    min_value: float = 0
    max_value: float = 0
    description: str = "Elke waarde ligt binnen de grenzen van zijn eenheid"


class ExpectRegionsKnown(gxe.ExpectColumnValuesToBeInSet):
    """Every region of a figure stands in the region table."""

    column: str = "region_known"
    value_set: list[bool] = [True]  # noqa: RUF012 - a pydantic field, copied per instance
    description: str = "Elke regio van een cijfer staat in de regiotabel"


class ExpectTotalsToReconcile(gxe.ExpectColumnValuesToBeBetween):
    """A printed total is the sum of its parts, but for the rounding of the parts: within one euro."""

    column: str = "difference_eur"
    min_value: float = -1
    max_value: float = 1
    description: str = "Elk gedrukt totaal is de som van zijn delen, op hooguit 1 euro na"


class ExpectPeriodsContinuous(gxe.ExpectTableRowCountToEqual):
    """Between the first and the last period of a series no period is without any figure."""

    value: int = 0
    description: str = "Tussen de eerste en de laatste periode van een reeks ontbreekt geen periode"


class ExpectOneScale(gxe.ExpectColumnValuesToNotBeInSet):
    """No two statements about one figure stand a power of ten apart, series by series."""

    column: str = "standing"
    value_set: list[str] = ["certain"]  # noqa: RUF012 - a pydantic field, copied per instance
    description: str = "Geen twee opgaven van dezelfde cijfers staan een macht van tien uit elkaar"


class ExpectNoJumpOfScale(gxe.ExpectColumnValuesToNotBeInSet):
    """No series jumps by a power of ten without a declared change of unit or definition."""

    column: str = "standing"
    value_set: list[str] = ["possible"]  # noqa: RUF012 - a pydantic field, copied per instance
    description: str = "Geen reeks verspringt een macht van tien zonder dat een wijziging van eenheid is verklaard"


class ExpectNothingUnmapped(gxe.ExpectTableRowCountToEqual):
    """Everything that was delivered has a declared place."""

    value: int = 0
    description: str = "Van alles wat geleverd is, is verklaard wat het is"


class ExpectDeclaredIsDelivered(gxe.ExpectTableRowCountToEqual):
    """Every indicator that a source is declared to deliver stands in what it delivered."""

    value: int = 0
    description: str = "Elke gedeclareerde indicator van een bron komt in haar levering voor"


class ExpectEveryCorrectionToFit(gxe.ExpectTableRowCountToEqual):
    """Every declared correction is applied: what is delivered is what was found wrong."""

    value: int = 0
    description: str = "Elke correctie past op het cijfer dat is geleverd"


class ExpectNoUnexplainedBreak(gxe.ExpectColumnValuesToNotBeInSet):
    """No trend break stands open without an event that explains it or a decision that settles it."""

    column: str = "standing"
    value_set: list[str] = ["unexplained"]  # noqa: RUF012 - a pydantic field, copied per instance
    description: str = "Elke trendbreuk is verklaard door een gebeurtenis, of er is een besluit over genomen"


class ExpectNoNationalChangeWithoutEvent(gxe.ExpectColumnValuesToNotBeInSet):
    """No change of a whole country stands open without an event that explains it or a decision that settles it."""

    column: str = "standing"
    value_set: list[str] = ["unexplained"]  # noqa: RUF012 - a pydantic field, copied per instance
    description: str = (
        "Elke landelijke verandering is verklaard door een gebeurtenis, of er is een besluit over genomen"
    )


class ExpectUnitToContinue(gxe.ExpectColumnValuesToNotBeInSet):
    """No new vintage multiplies nearly all figures of an indicator by one and the same factor."""

    column: str = "standing"
    value_set: list[str] = ["one_factor"]  # noqa: RUF012 - a pydantic field, copied per instance
    description: str = "Een nieuwe uitgave telt in dezelfde eenheid als de vorige"


class ExpectUniformDelivery(gxe.ExpectColumnValuesToNotBeInSet):
    """Of a cooperation all members delivered, or none, or the reason is known of those that did not."""

    column: str = "standing"
    value_set: list[str] = ["incomplete"]  # noqa: RUF012 - a pydantic field, copied per instance
    description: str = "Van een samenwerking leveren alle gemeenten, of bekend is waarom niet"


class ExpectDeliveriesAsDeclared(gxe.ExpectColumnValuesToBeInSet):
    """Every figure that was to be delivered is there, or the reason why not is known."""

    column: str = "standing"
    value_set: list[str] = ["delivered", "explained", "suppressed", "not_expected"]  # noqa: RUF012 - as above
    description: str = "Elk verwacht cijfer is geleverd, of bekend is waarom niet"


class ExpectSourceOnTime(gxe.ExpectColumnValuesToNotBeInSet):
    """Of a period whose day has passed at least something came of every source, or the reason why not is known."""

    column: str = "standing"
    value_set: list[str] = ["overdue"]  # noqa: RUF012 - as above
    description: str = "Van elke bron is er van elke periode iets gekomen, of bekend is waarom niet"


class ExpectNoSourceConflict(gxe.ExpectTableRowCountToEqual):
    """No two sources give different figures for one thing."""

    value: int = 0
    description: str = "Geen twee bronnen geven een verschillend cijfer voor hetzelfde"


class ExpectRatesToFollowFromCounts(gxe.ExpectTableRowCountToEqual):
    """No published rate contradicts the counts that are known."""

    value: int = 0
    description: str = "Elk gepubliceerd verhoudingscijfer volgt uit de bekende aantallen"


class ExpectNoRowsRefused(gxe.ExpectTableRowCountToEqual):
    """Nothing that was delivered had to be refused."""

    value: int = 0
    description: str = "Geen rij en geen bestand is geweigerd"


class ExpectSamePeriodComparison(gxe.ExpectColumnValuesToBeInSet):
    """A national figure beside a municipal one is of the same period, or absent."""

    column: str = "compares_same_period"
    value_set: list[bool] = [True]  # noqa: RUF012 - a pydantic field, copied per instance
    description: str = "Een landelijk cijfer naast een gemeentelijk cijfer hoort bij dezelfde periode"
