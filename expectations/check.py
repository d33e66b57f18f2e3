"""What a check is, and what came of it.

What belongs here: plain values that can be declared, listed and wired without Great Expectations, which takes
seconds to import. What does not: which checks there are (the suites) and how they are run (`run`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import pyarrow as pa

from pipelines.alerts.findings import SEVERITIES, Severity

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

Layer = Literal["raw", "core", "marts"]

ROWS_FAILING = "rows_failing"
"""Column of `CheckResult.failing_rows`: how many rows of the table fail under this one key."""

PREVIEW_ROWS = 20


@dataclass(frozen=True)
class Expects:
    """One expectation with its arguments, named but not built: an own one from `own`, else one of GX's."""

    expectation: str
    arguments: tuple[tuple[str, Any], ...] = ()

    def build(self, **meta: Any) -> Expectation:
        """The GX expectation; imports Great Expectations. Raises AttributeError for a name nobody has."""
        import great_expectations.expectations as gxe

        from expectations import own

        expectation = getattr(own, self.expectation, None) or getattr(gxe, self.expectation)
        arguments = {name: list(value) if isinstance(value, tuple) else value for name, value in self.arguments}
        return cast("Expectation", expectation(**arguments, **meta))


def expects(expectation: str, **arguments: Any) -> Expects:
    """`expects("ExpectColumnValuesToNotBeNull", column="value")`, without importing anything."""
    return Expects(expectation, tuple(arguments.items()))


@dataclass(frozen=True)
class Check:
    """One expectation of one table, with what an engineer and a policy adviser need when it fails.

    `query` gives the frame to validate: the columns the expectation judges, those of the key, and those worth
    showing. Columns named `region_code`, `indicator_id` and `period_code` are shown with their labels. Checks
    with the same asset and the same query are validated together, in one fetch.

    `key_columns` identify a failing row from run to run: never a line number or a figure that may change.
    `detail_nl` completes the title with values of the failing row, `"{delivery} sinds {period_code}"`; a
    number with `:+` gets its sign. `explained_by` is the column whose text tells all about one row, where there is
    one: an alert then gives that instead of the usual cause and the next step.
    """

    name: str
    asset: str
    query: str
    expects: Expects
    severity: Severity
    title_nl: str
    detects_nl: str
    usual_cause_nl: str
    next_step_nl: str
    key_columns: tuple[str, ...]
    detail_nl: str = ""
    explained_by: str | None = None

    def __post_init__(self) -> None:
        if not self.name.startswith(self.asset.replace(".", "_") + "__"):
            raise ValueError(f"check {self.name}: expected a name that starts with its table, {self.asset}")
        if self.asset.split(".")[0] not in ("raw", "core", "marts"):
            raise ValueError(f"check {self.name}: {self.asset} is in no layer that is checked")
        if self.severity not in SEVERITIES:
            raise ValueError(f"check {self.name}: severity {self.severity!r}, expected one of {SEVERITIES}")
        if not self.key_columns:
            raise ValueError(f"check {self.name}: no key to tell failing rows apart by")

    @property
    def layer(self) -> Layer:
        return cast(Layer, self.asset.split(".")[0])

    @property
    def blocking(self) -> bool:
        """Whether the run must stop here: the structure is not what the next layer builds on."""
        return self.severity == "blocking"

    @property
    def description_nl(self) -> str:
        """What it detects, what usually causes it and what to do next, as one text."""
        return f"{self.detects_nl} Meestal: {self.usual_cause_nl} Wat te doen: {self.next_step_nl}"


@dataclass(frozen=True)
class CheckResult:
    """What came of one check.

    `failing_rows` has one row per distinct key with the columns of the check's query and `rows_failing`;
    all keys, however many. `failing_count` counts rows of the table. A check that could not be evaluated
    has not passed, has no failing rows, and says why in `error`. `statement` is the expectation in words,
    `observed` what was seen; `seconds` is its share of fetching and validating.
    """

    check: Check
    passed: bool
    evaluated: bool
    failing_count: int
    failing_rows: pa.Table
    observed: str
    statement: str
    seconds: float
    error: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether the run must stop here: a blocking check that failed, or that could not be evaluated."""
        return self.check.blocking and not self.passed

    @property
    def preview(self) -> list[dict[str, Any]]:
        """The first failing keys as plain rows, few enough to show."""
        return cast("list[dict[str, Any]]", self.failing_rows.slice(0, PREVIEW_ROWS).to_pylist())
