"""One code for every period, whoever wrote it."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers.periods import normalise_periods, split_reports


def normal(code: str | None) -> str | None:
    result: str | None = normalise_periods(pa.array([code], pa.string()))[0].as_py()
    return result


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("2016", "2016"),
        ("2016JJ00", "2016"),
        (" 2016JJ00   ", "2016"),
        ("2016H2", "2016H2"),
        ("2016 H2", "2016H2"),
        ("2016h2", "2016H2"),
        ("2016HJ01", "2016H1"),
        ("2016KW03", "2016Q3"),
        ("2016Q3", "2016Q3"),
        ("2016MM07", "2016M07"),
        ("2016M12", "2016M12"),
        ("2016SJ00", "2016SJ"),
        ("2024X005", "2024X005"),
        ("20160229", "2016-02-29"),
    ],
)
def test_documented_codes(code: str, expected: str) -> None:
    assert normal(code) == expected


@pytest.mark.parametrize(
    "code",
    [
        None, "", "16", "2016-2", "2016HJ03", "2016HJ2", "2016H0", "2016KW05", "2016MM13", "2016M7",
        "2016SJ01", "2016X006", "20150229", "20161301", "3016", "2016JJ", "tweede helft 2016", "2016.0",
    ],
)  # fmt: skip
def test_everything_else_is_no_period(code: str | None) -> None:
    assert normal(code) is None


def test_a_school_year_a_report_and_a_day_are_not_the_year_they_begin_with() -> None:
    codes = pa.array(["2016JJ00", "2016SJ00", "2016X000", "20160101"])
    assert len(set(normalise_periods(codes).to_pylist())) == 4


def test_columns_keep_their_length_their_nulls_and_their_chunks_do_not_matter() -> None:
    codes = pa.chunked_array([["2016HJ02", None], ["2016HJ02"]])
    assert normalise_periods(codes).to_pylist() == ["2016H2", None, "2016H2"]
    assert len(normalise_periods(pa.array([], pa.string()))) == 0


QUARTERS = [f"KW0{number}" for number in range(1, 5)]
MONTHS = [f"MM{number:02d}" for number in range(1, 13)]
REPORTS = [f"X00{number}" for number in range(6)]
cbs_codes = st.builds(
    lambda year, part: f"{year}{part}",
    st.integers(1900, 2099),
    st.sampled_from(["JJ00", "HJ01", "HJ02", "SJ00", *QUARTERS, *MONTHS, *REPORTS, "0131", "1231"]),
)


@settings(deadline=None)
@given(codes=st.lists(cbs_codes, unique=True, max_size=30))
def test_different_periods_never_get_one_code_and_a_second_pass_changes_nothing(codes: list[str]) -> None:
    once = normalise_periods(pa.array(codes, pa.string()))
    assert once.null_count == 0
    assert len(set(once.to_pylist())) == len(codes)
    assert normalise_periods(once).equals(once)


@pytest.mark.parametrize(
    ("code", "period", "report"),
    [
        ("2023X000", "2023", "X000"),
        ("2023X005", "2023", "X005"),
        ("2023X001", "2023Q1", "X001"),
        ("2023X004", "2023Q4", "X004"),
        ("2023", "2023", None),
        ("2023H1", "2023H1", None),
        ("2023Q1", "2023Q1", None),
        ("2023SJ", "2023SJ", None),
        ("2023-01-31", "2023-01-31", None),
        (None, None, None),
    ],
)
def test_an_iv3_report_is_of_its_year_or_its_quarter_and_is_kept_beside_it(
    code: str | None, period: str | None, report: str | None
) -> None:
    periods, reports = split_reports(pa.array([code], pa.string()))
    assert (periods.to_pylist(), reports.to_pylist()) == ([period], [report])


@given(st.lists(st.sampled_from(["2019X000", "2019X003", "2019X005", "2019JJ00", "2019KW03", "2019SJ00", "no"])))
def test_splitting_reports_keeps_every_code_apart(codes: list[str]) -> None:
    normal = normalise_periods(pa.array(codes, pa.string()))
    periods, reports = split_reports(normal)
    pairs = {(code, report) for code, report in zip(periods.to_pylist(), reports.to_pylist(), strict=True) if code}
    assert len(pairs) == len({code for code in normal.to_pylist() if code})
