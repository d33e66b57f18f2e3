"""What is asked for: filters that are short enough, and that together let through what was declared, nothing twice."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.connectors.cbs_slices import slice_record, slices
from pipelines.connectors.seen_ids import SeenIds
from pipelines.declarations.source import CbsV3Connector, CbsV4Connector
from tests.odata_filter import predicate

REGIONS = [f"GM{number:04d}" for number in range(12)]
MEASURES = ["M000352", "M000365", "A019506", "D_1"]


def fits(filters: str | None, row: dict[str, Any]) -> bool:
    return filters is None or predicate(filters)(row)


def test_a_table_without_filter_and_measures_is_one_slice_without_a_query() -> None:
    (whole,) = slices(None, (), 2000)
    assert (whole.filter, whole.query) == (None, "")


def test_the_declared_filter_is_asked_for_as_it_was_written() -> None:
    text = "Geslacht eq 'T001038' and startswith(RegioS,'GM')"
    (whole,) = slices(text, (), 2000)
    assert whole.filter == text
    assert unquote(whole.query) == f"$filter={text}"


def test_measures_are_added_to_the_declared_filter() -> None:
    (one,) = slices("RegioS eq 'NL01' or RegioS eq 'GM0001'", ["M1"], 2000)
    assert one.filter == "(RegioS eq 'NL01' or RegioS eq 'GM0001') and Measure eq 'M1'"
    (two,) = slices(None, ["M1", "it's"], 2000)
    assert two.filter == "(Measure eq 'M1' or Measure eq 'it''s')"


def test_many_measures_are_asked_for_in_several_queries_of_a_length_that_servers_take() -> None:
    measures = [f"M{number:06d}" for number in range(200)]
    found = slices("startswith(RegioS,'GM')", measures, 2000)
    assert 1 < len(found) < 10
    assert max(len(part.query) for part in found) <= 2000
    assert [code for part in found for code in part.measures] == measures


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(f"RegioS eq '{code}'" for code in REGIONS),
        f"Perioden ge '2015JJ00' and ({' or '.join(f'RegioS eq {code!r}' for code in REGIONS)})",
        f"RegioS in ({','.join(map(repr, REGIONS))}) and Perioden ge '2015JJ00'",
    ],
)
def test_a_long_list_of_codes_is_divided(text: str) -> None:
    found = slices(text, (), 200)
    assert len(found) > 1
    assert max(len(part.query) for part in found) <= 200


@pytest.mark.parametrize(
    "text",
    [
        # Neither of these is a list of codes of one dimension that everything must be in.
        "RegioS eq 'GM0001' or RegioS eq 'GM0002' and Perioden eq '2015JJ00'" + " and Perioden ne 'x'" * 20,
        "startswith(RegioS,'GM') or startswith(RegioS,'NL')" + " or startswith(RegioS,'PV')" * 20,
        f"not ({' or '.join(f'RegioS eq {code!r}' for code in REGIONS)})",
        "RegioS eq 'GM and (or)'" + " and Perioden ne ' or '" * 20,
    ],
)
def test_a_long_filter_that_cannot_be_divided_is_asked_for_whole(text: str) -> None:
    (whole,) = slices(text, (), 200)
    assert whole.filter == text


_CODES = st.lists(st.sampled_from(REGIONS), min_size=1, max_size=12)
_LISTS = st.builds(
    lambda codes, is_in: (
        f"RegioS in ({', '.join(map(repr, codes))})"
        if is_in
        else f"({' or '.join(f'RegioS eq {code!r}' for code in codes)})"
    ),
    _CODES,
    st.booleans(),
)
_OTHERS = st.sampled_from(
    ["Perioden ge '2016JJ00'", "(Perioden eq '2015JJ00' or RegioS eq 'GM0003')", "startswith(RegioS,'GM000')"]
)
_FILTERS = st.one_of(st.none(), st.lists(st.one_of(_LISTS, _OTHERS), min_size=1, max_size=3).map(" and ".join))
_ROWS = [
    {"RegioS": region, "Perioden": period, "Measure": measure}
    for region in REGIONS
    for period in ("2015JJ00", "2016JJ00")
    for measure in MEASURES
]


@settings(deadline=None)
@given(
    declared=_FILTERS,
    measures=st.lists(st.sampled_from(MEASURES), unique=True),
    room=st.integers(60, 600),
)
def test_every_row_that_is_declared_is_in_one_slice_and_no_other_row_in_any(
    declared: str | None, measures: list[str], room: int
) -> None:
    found = slices(declared, measures, room)
    for row in _ROWS:
        wanted = fits(declared, row) and (not measures or row["Measure"] in measures)
        assert sum(fits(part.filter, row) for part in found) == int(wanted)


def test_what_was_asked_for_is_remembered_unless_it_was_everything() -> None:
    assert slice_record(CbsV4Connector(kind="cbs_v4", table="1")) is None
    record = slice_record(CbsV4Connector(kind="cbs_v4", table="1", filter="RegioS eq 'NL01'", measures=("Cliënten",)))
    assert record is not None
    assert json.loads(record) == {"filter": "RegioS eq 'NL01'", "measures": ["Cliënten"], "bulk": False}
    filled = slice_record(CbsV3Connector(kind="cbs_v3", table="1", skip_empty=True))
    assert filled is not None and json.loads(filled)["skip_empty"]
    assert slice_record(CbsV3Connector(kind="cbs_v3", table="1")) is None
    bulk = slice_record(CbsV4Connector(kind="cbs_v4", table="1", bulk=True))
    assert bulk is not None and json.loads(bulk)["bulk"]


@given(pages=st.lists(st.lists(st.integers(0, 40), max_size=8), max_size=8))
def test_the_first_id_that_came_before_is_found_and_none_other(pages: list[list[int]]) -> None:
    seen, known = SeenIds(), set[int]()
    for page in pages:
        again = seen.add(np.array(page, dtype=np.int64))
        repeated = {number for number in page if page.count(number) > 1 or number in known}
        assert (again in repeated) if repeated else (again is None)
        if repeated:
            break
        known |= set(page)
