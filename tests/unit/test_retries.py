"""Which failures of a source are waited for, how long, and by whom; the steps really run, in Dagster's own executor."""

from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.connectors.exchange import FailedRequestError, UnreachableError
from pipelines.connectors.http import NotAsDeclared, SourceError, TableNotFound
from pipelines.connectors.outage import is_outage
from pipelines.declarations.source import Source
from pipelines.defs.retries import retry_policy, tried_again
from pipelines.settings import SetupError


def _source(connector: dict[str, Any] | None = None) -> Source:
    connector = connector or {"kind": "cbs_v4", "table": "00001ned", "retries": {"times": 2, "wait_seconds": 0}}
    return Source.model_validate(
        {
            "source_id": "eigen_bron",
            "title": "Eigen bron",
            "publisher": "Uitgever",
            "licence": "eigen",
            "cadence": "yearly",
            "profiles": ["live"],
            "origin": {"producer": "Uitgever", "citation": "Eigen bron"},
            "connector": connector,
            "reader": {"kind": "iv3", "amounts": "eur"} if connector["kind"] == "folder" else {"kind": "cbs_v4"},
        }
    )


def _from(cause: FailedRequestError) -> SourceError:
    error = SourceError("00001ned", "Observations", cause.cause, status=cause.status)
    error.__cause__ = cause
    return error


OUTAGES = [
    _from(UnreachableError("no connection", True)),
    _from(FailedRequestError("the answer broke off", True)),
    _from(FailedRequestError("the server failed (503)", True, 503)),
    _from(FailedRequestError("the server failed (503); it asks to wait 3600 s", False, 503)),
    _from(FailedRequestError("too many requests (429)", 5.0, 429)),
]
LASTING = [
    _from(FailedRequestError("the server refused the request (403)", False, 403)),
    _from(FailedRequestError("found an HTML page, expected JSON", False)),
    TableNotFound("00001ned", "Properties", "not found (404)", status=404),
    NotAsDeclared("00001ned", "MeasureCodes", "none of the declared measures"),
    SourceError("00001ned", "Observations", "another shape"),
    SetupError("no address"),
    ValueError("a fault of our own"),
]


@pytest.mark.parametrize("error", OUTAGES, ids=str)
def test_a_publisher_who_cannot_be_reached_or_fails_may_come_back(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize("error", LASTING, ids=str)
def test_a_refusal_or_a_wrong_declaration_stays_what_it_is(error: Exception) -> None:
    assert not is_outage(error)


def _run(source: Source, errors: list[Exception], tags: dict[str, str] | None = None) -> tuple[int, Any]:
    """How often the step of a source was begun, where it fails with these errors first; and the result of the run."""
    tries = iter([*errors, None])
    begun = 0

    @dg.asset(name="eigen_bron")
    def fetched(context: dg.AssetExecutionContext) -> None:
        nonlocal begun
        begun += 1
        with tried_again(context, source):
            if (error := next(tries)) is not None:
                raise error

    result = dg.materialize([fetched], tags=tags, raise_on_error=False)
    return begun, result


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NULMETING_PROFILE", "live")


@pytest.mark.usefixtures("live")
def test_a_source_that_comes_back_is_loaded_in_the_same_run() -> None:
    begun, result = _run(_source(), OUTAGES[:2])
    assert (begun, result.success) == (3, True)


@pytest.mark.usefixtures("live")
def test_the_last_failure_is_told_as_the_publishers_own() -> None:
    begun, result = _run(_source(), OUTAGES[:3])
    assert (begun, result.success) == (3, False)
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    assert failure.step_failure_data.error.cause.cls_name == "SourceError"
    assert "the server failed (503)" in failure.step_failure_data.error.cause.message


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("error", LASTING[:1] + LASTING[3:], ids=str)
def test_what_stays_so_fails_at_once(error: Exception) -> None:
    begun, result = _run(_source(), [error])
    assert (begun, result.success) == (1, False)


@pytest.mark.usefixtures("live")
def test_nobody_waits_at_a_terminal() -> None:
    begun, result = _run(_source(), OUTAGES[:1], {"nulmeting/launched_by": "cli"})
    assert (begun, result.success) == (1, False)


def test_the_sample_has_no_publisher_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NULMETING_PROFILE", "sample")
    begun, result = _run(_source(), OUTAGES[:1])
    assert (begun, result.success) == (1, False)


def test_files_are_not_waited_for_and_a_declaration_may_say_how_long() -> None:
    assert retry_policy(_source({"kind": "folder", "pattern": "*.json"})) is None
    assert retry_policy(_source({"kind": "cbs_v4", "table": "1ned", "retries": {"times": 0}})) is None
    default = retry_policy(_source({"kind": "cbs_v4", "table": "1ned"}))
    assert default is not None and (default.max_retries, default.delay) == (3, 60)
    patient = retry_policy(_source({"kind": "cbs_v4", "table": "1ned", "retries": {"times": 5, "wait_seconds": 600}}))
    assert patient is not None and (patient.max_retries, patient.delay) == (5, 600)


@given(st.integers(0, 10), st.floats(0, 3600))
def test_waits_grow_and_two_installations_do_not_come_back_together(times: int, seconds: float) -> None:
    connector = {"kind": "cbs_v4", "table": "1ned", "retries": {"times": times, "wait_seconds": seconds}}
    policy = retry_policy(_source(connector))
    if policy is None:
        assert times == 0
        return
    for attempt in range(1, policy.max_retries + 1):
        middle = (2**attempt - 1) * seconds
        assert middle - seconds <= policy.calculate_delay(attempt) <= middle + seconds
