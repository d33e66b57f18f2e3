"""Taking a page apart: the fast way and the close way give the same, and neither takes a page for what it is not."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers.odata_cells import cells_of
from pipelines.readers.odata_rows import RowReader, RowTypeError, changed_fields, first_row, next_link, texts_of

FIELDS = {"ID": pa.int64(), "RegioS": pa.string(), "Totaal_1": pa.float64()}
ROWS = [
    {"ID": 0, "RegioS": "GM0001  ", "Totaal_1": 1.5},
    {"ID": 1, "RegioS": "GM0002  ", "Totaal_1": None},
    {"ID": 2, "RegioS": "GM0001  ", "Totaal_1": -3},
]
LINK = "https://opendata.cbs.nl/ODataFeed/OData/1/TypedDataSet/?$format=json&$skip=3"
LAYOUTS: list[dict[str, Any]] = [{}, {"separators": (",", ":")}, {"indent": 1}, {"indent": 4, "ensure_ascii": False}]


def page(rows: list[dict[str, Any]], layout: int = 0, **around: Any) -> bytes:
    return json.dumps({"odata.metadata": "x", "value": rows, **around}, **LAYOUTS[layout]).encode()


def columns(payload: bytes) -> dict[str, list[Any]]:
    return {name: column.to_pylist() for name, column in RowReader(FIELDS).read(payload).items()}


def as_columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row.get(name) for row in rows] for name in FIELDS}


@pytest.mark.parametrize("layout", range(4))
def test_a_page_of_the_plainest_form_is_taken_apart_at_its_commas(layout: int) -> None:
    payload = page(ROWS, layout, **{"odata.nextLink": LINK})
    found = cells_of(payload, FIELDS)
    assert found is not None
    assert {name: column.to_pylist() for name, column in found.items()} == as_columns(ROWS)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([{"ID": 0, "RegioS": "a,b", "Totaal_1": 1}], id="comma"),
        pytest.param([{"ID": 0, "RegioS": "a:b", "Totaal_1": 1}], id="colon"),
        pytest.param([{"ID": 0, "RegioS": "a}b", "Totaal_1": 1}], id="bracket"),
        pytest.param([{"ID": 0, "RegioS": "a},{b", "Totaal_1": 1}], id="what looks like two rows"),
        pytest.param([{"ID": 0, "RegioS": 'a"b', "Totaal_1": 1}], id="quotation mark"),
        pytest.param([{"ID": 0, "RegioS": "a\nb", "Totaal_1": 1}], id="line break"),
        pytest.param([{"ID": 0, "RegioS": "Fryslân\\", "Totaal_1": 1}], id="backslash"),
        pytest.param([{"ID": 0, "RegioS": "]", "Totaal_1": 1}], id="end of a list"),
        pytest.param([{"RegioS": "a", "ID": 0, "Totaal_1": 1}], id="another order"),
        pytest.param([ROWS[0], {"RegioS": "a", "ID": 7, "Totaal_1": 1}], id="another order later"),
        pytest.param([ROWS[0], {"ID": 7, "RegioS": "a"}], id="a field less"),
        pytest.param([{"ID": 0, "RegioS": "null", "Totaal_1": 1}], id="the word null"),
        pytest.param([], id="no rows"),
    ],
)
def test_any_other_page_is_read_closely_and_rightly(rows: list[dict[str, Any]]) -> None:
    for layout in range(4):
        assert columns(page(rows, layout)) == as_columns(rows)


_TEXT = st.text(st.sampled_from(list('ab ,:{}[]"\\\nnul.1éß')), max_size=6)
_ROW = st.fixed_dictionaries(
    {
        "ID": st.one_of(st.none(), st.integers(-(2**40), 2**40)),
        "RegioS": st.one_of(st.none(), _TEXT),
        "Totaal_1": st.one_of(
            st.none(), st.integers(-(2**50), 2**50), st.floats(allow_nan=False, allow_infinity=False)
        ),
    }
)


@settings(deadline=None, max_examples=300)
@given(
    rows=st.lists(_ROW, max_size=6), layout=st.integers(0, 3), shuffled=st.booleans(), link=st.one_of(st.none(), _TEXT)
)
def test_whatever_stands_on_a_page_both_ways_give_what_json_says(
    rows: list[dict[str, Any]], layout: int, shuffled: bool, link: str | None
) -> None:
    if shuffled and rows:
        rows = [dict(reversed(rows[0].items())), *rows[1:]]
    payload = page(rows, layout, **({} if link is None else {"odata.nextLink": link}))
    expected = as_columns(rows)
    fast = cells_of(payload, FIELDS)
    assert fast is None or {name: column.to_pylist() for name, column in fast.items()} == expected
    assert columns(payload) == expected
    assert next_link(payload) == link


@settings(deadline=None)
@given(cut=st.integers(1, 400), layout=st.integers(0, 3))
def test_a_page_that_is_broken_off_is_never_taken_for_a_whole_one(cut: int, layout: int) -> None:
    payload = page(ROWS, layout, **{"odata.nextLink": LINK})
    broken = payload[: -min(cut, len(payload))]
    if broken.strip():
        assert cells_of(broken, FIELDS) is None
    with pytest.raises(ValueError, match=r"\S"):
        RowReader(FIELDS).read(broken)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([*ROWS, {"ID": 3, "RegioS": "a", "Totaal_1": "1"}], RowTypeError),
        ([*ROWS, {"ID": 3, "RegioS": 7, "Totaal_1": 1}], RowTypeError),
        ([*ROWS, {"ID": 3.5, "RegioS": "a", "Totaal_1": 1}], RowTypeError),
        ([*ROWS, {"ID": 3, "RegioS": "a", "Totaal_1": {"a": 1}}], RowTypeError),
        ([*ROWS, {"ID": 3, "RegioS": "a", "Totaal_9": 1}], ValueError),
    ],
)
def test_a_row_that_is_unlike_the_others_is_told(rows: list[dict[str, Any]], error: type[Exception]) -> None:
    for layout in range(4):
        with pytest.raises(error):
            RowReader(FIELDS).read(page(rows, layout))


def test_annotations_are_nobodys_concern() -> None:
    rows = [row | {"odata.etag": "x"} for row in ROWS]
    reader = RowReader(FIELDS)
    for _ in range(5):
        assert reader.read(page(rows, **{"odata.count": "3"}))["ID"].to_pylist() == [0, 1, 2]


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"[]", b'{"value":null}', b'{"value":{"a":1}}', b'{"value":[]}{"value":[]}', b"\xff"]
)
def test_what_is_no_page_is_no_page(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        RowReader(FIELDS).read(payload)


def test_a_byte_order_mark_changes_nothing() -> None:
    assert columns(b"\xef\xbb\xbf" + page(ROWS)) == as_columns(ROWS)


def test_the_next_page_link_is_not_looked_for_in_texts() -> None:
    assert next_link(page([{"ID": 1, "RegioS": '"odata.nextLink":"elsewhere"'}])) is None
    assert next_link(page(ROWS, **{"odata.nextLink": LINK})) == LINK
    assert next_link(json.dumps({"@odata.nextLink": LINK, "value": ROWS * 2000}).encode()) == LINK
    assert next_link(page(ROWS, **{"odata.nextLink": None})) is None


def test_types_that_change_come_as_text() -> None:
    rows = [{"ID": 1, "RegioS": "a", "Totaal_1": 1.5}, {"ID": "2", "RegioS": 3, "Totaal_1": "1,5"}]
    texts = texts_of(page(rows), FIELDS)
    assert {name: column.to_pylist() for name, column in texts.items()} == {
        "ID": ["1", "2"],
        "RegioS": ["a", "3"],
        "Totaal_1": ["1.5", "1,5"],
    }


def test_the_first_row_is_found_in_any_layout_and_beyond_any_beginning() -> None:
    long = [{"ID": 1, "RegioS": "x" * 200_000}]
    assert first_row(page(ROWS, 2)) == ROWS[0]
    assert first_row(page(long)) == long[0]
    assert first_row(page([])) is None
    assert first_row(b'{"value":[{"ID"') is None


def test_changed_fields_are_named() -> None:
    assert changed_fields(["ID", "RegioS", "odata.type"], ["RegioS"], ["ID"]) is None
    assert changed_fields(["ID", "Regios"], ["RegioS"], ["ID"]) == (
        "the columns changed: found ID, Regios (missing: RegioS; unknown: Regios)"
    )
