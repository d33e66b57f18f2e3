"""Runs checks: fetches a frame per table, validates it with Great Expectations, and says which rows fail.

What belongs here: everything that knows how Great Expectations is driven, and its traps. What does not: which
checks there are (the suites), and how results are shown (`docs`) or told (`findings`).

Great Expectations is imported at the first use, which takes seconds; `load` does that ahead of time, for
instance in a thread while something else waits. Nothing is sent anywhere.
"""

from __future__ import annotations

import importlib
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from expectations.check import ROWS_FAILING, Check, CheckResult
from expectations.dutch import dutch_count
from pipelines.alerts.findings import Severity, clean_text

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.expectations.expectation import Expectation

    from expectations.docs import DocsStore

_log = logging.getLogger(__name__)

Fetch = Callable[[str], "pd.DataFrame"]

GX_SEVERITY: Mapping[Severity, str] = {"blocking": "critical", "error": "warning", "warning": "info"}
"""The severities of Great Expectations, which has three as well, under other names."""

# COMPLETE lists every failing row, by position: with named index columns it makes a dictionary of each, which
# takes 27 s for 200,000 rows where positions take none. Values and samples are left out, because Great
# Expectations cuts them off at 200; ours come from the frame.
_RESULT_FORMAT: dict[str, Any] = {
    "result_format": "COMPLETE",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}


@dataclass(frozen=True)
class _Planned:
    """A check with its expectation built, and that expectation in words."""

    check: Check
    expectation: Expectation
    statement: str


def load() -> None:
    """Import Great Expectations and the own expectations. Takes seconds the first time and nothing after."""
    # 1.24.1 has no telemetry left in it; this keeps it off should another version bring it back.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    importlib.import_module("expectations.own")
    # Whatever it logs also stands in its results, and from there in ours.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)


def fetch_from(connection: duckdb.DuckDBPyConnection) -> Fetch:
    """A `fetch` for `run_checks` that reads from an open connection. Raises what DuckDB raises."""

    def fetch(query: str) -> pd.DataFrame:
        # Arrow hands text over as it is; DuckDB's own frames make a Python string of every cell.
        frame: pd.DataFrame = connection.execute(query).to_arrow_table().to_pandas()
        return frame

    return fetch


def run_checks(fetch: Fetch, checks: Sequence[Check], docs: DocsStore | None = None) -> list[CheckResult]:
    """Run `checks` on what `fetch` returns for their queries; the results stand in the order of `checks`.

    `fetch` takes SQL and returns a pandas frame. Each distinct query is fetched and validated once, with
    all the checks of its table that share it. A check whose query or validation fails is not evaluated
    and says why; the others go on. With `docs`, the pages of the tables that were checked are written as
    well.
    """
    if not checks:
        return []
    load()
    batches = _batches()
    results: dict[str, CheckResult] = {}
    for planned in _by_query(checks):
        results |= {result.check.name: result for result in _run_query(fetch, batches, planned)}
    ordered = [results[check.name] for check in checks]
    if docs is not None:
        docs.record(ordered)
    return ordered


def _batches() -> BatchDefinition:
    """Where frames are handed to Great Expectations: a context in memory, without progress bars."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    # The mode is named, or variables of the environment might make it a context that calls a cloud.
    context = gx.get_context(mode="ephemeral", project_config=config)
    asset = context.data_sources.add_pandas("warehouse").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")


def _by_query(checks: Sequence[Check]) -> list[list[_Planned]]:
    """Checks grouped by table and query, in order of first appearance; ValueError on a name used twice."""
    groups: dict[tuple[str, str], list[_Planned]] = {}
    names: set[str] = set()
    for check in checks:
        if check.name in names:
            raise ValueError(f"two checks are named {check.name}")
        names.add(check.name)
        expectation = check.expects.build(severity=GX_SEVERITY[check.severity], meta={"check": check.name})
        planned = _Planned(check, expectation, _in_words(expectation))
        groups.setdefault((check.asset, check.query), []).append(planned)
    return list(groups.values())


def _run_query(fetch: Fetch, batches: BatchDefinition, planned: Sequence[_Planned]) -> list[CheckResult]:
    """Fetch one frame, validate it with the expectations that share it, and judge each."""
    start = time.perf_counter()
    try:
        frame = fetch(planned[0].check.query).reset_index(drop=True)
        outcomes = _validate(batches, frame, planned)
    except Exception as error:  # whatever a source of data can raise: it is told, and the other tables go on
        message = _one_line(str(error))
        _log.warning("%s could not be checked: %s", planned[0].check.asset, message)
        seconds = (time.perf_counter() - start) / len(planned)
        return [_not_evaluated(each, message, seconds) for each in planned]
    seconds = (time.perf_counter() - start) / len(planned)
    return [_judge(each, outcomes[each.check.name], frame, seconds) for each in planned]


def _validate(
    batches: BatchDefinition, frame: pd.DataFrame, planned: Sequence[_Planned]
) -> dict[str, ExpectationValidationResult]:
    """The outcome of each expectation, by the name of its check, because GX may change their order."""
    import great_expectations as gx

    suite = gx.ExpectationSuite(name=planned[0].check.asset, expectations=[each.expectation for each in planned])
    batch = batches.get_batch({"dataframe": frame})
    validation = batch.validate(suite, result_format=_RESULT_FORMAT)
    return {_check_name(result): result for result in validation.results}


def _check_name(outcome: ExpectationValidationResult) -> str:
    configuration = outcome.expectation_config
    if configuration is None or not configuration.meta:
        raise ValueError("Great Expectations gave an outcome without saying of which expectation")
    return str(configuration.meta["check"])


def _judge(planned: _Planned, outcome: ExpectationValidationResult, frame: pd.DataFrame, seconds: float) -> CheckResult:
    if problem := _exception_of(outcome):
        return _not_evaluated(planned, problem, seconds)
    failing = frame.head(0) if outcome.success else _failing_rows(outcome, frame)
    return CheckResult(
        check=planned.check,
        passed=bool(outcome.success),
        evaluated=True,
        failing_count=len(failing),
        failing_rows=_one_per_key(failing, planned.check.key_columns),
        observed=_observed(len(failing), len(frame)),
        statement=planned.statement,
        seconds=seconds,
    )


def _not_evaluated(planned: _Planned, problem: str, seconds: float) -> CheckResult:
    return CheckResult(
        check=planned.check,
        passed=False,
        evaluated=False,
        failing_count=0,
        failing_rows=pa.table({}),
        observed="niet gecontroleerd",
        statement=planned.statement,
        seconds=seconds,
        error=problem,
    )


def _failing_rows(outcome: ExpectationValidationResult, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows an expectation names; all rows for one that judges the table, as that it must be empty."""
    positions = outcome.result.get("unexpected_index_list")
    return frame if positions is None else frame.loc[positions]


def _one_per_key(failing: pd.DataFrame, key: Sequence[str]) -> pa.Table:
    """The first failing row of each key, with how many rows fail under it."""
    columns = list(key)
    sizes = failing.groupby(columns, dropna=False, sort=False)[columns[0]].transform("size")
    rows = failing.assign(**{ROWS_FAILING: sizes.astype("int64")}).drop_duplicates(columns)
    return pa.Table.from_pandas(rows, preserve_index=False)


def _observed(failing: int, total: int) -> str:
    if total == 0:
        return "geen rijen"
    rows = "rij" if total == 1 else "rijen"
    if failing:
        return f"{dutch_count(failing)} van {dutch_count(total)} {rows} niet goed"
    return f"{dutch_count(total)} {rows}, alle goed"


def _exception_of(outcome: ExpectationValidationResult) -> str | None:
    """Why an expectation could not be judged, or None. GX may file it one level down, under a metric."""
    found = outcome.exception_info or {}
    for info in (found, *(each for each in found.values() if isinstance(each, dict))):
        if info.get("raised_exception"):
            return _one_line(str(info.get("exception_message")))
    return None


def _in_words(expectation: Expectation) -> str:
    """The description of the expectation, else the sentence that GX renders for its own pages."""
    from great_expectations.render.renderer.inline_renderer import InlineRenderer

    if expectation.description:
        return expectation.description
    rendered = InlineRenderer(render_object=expectation.configuration).get_rendered_content()[0].value
    params = {name: param.get("value") for name, param in (rendered.params or {}).items()}
    return Template(rendered.template or "").safe_substitute(params)


def _one_line(message: str) -> str:
    """The first line of an error: what follows may quote the query, and with it the data."""
    return clean_text(message.strip().partition("\n")[0]) or "onbekende fout"
