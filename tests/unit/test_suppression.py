"""Which counts are hidden, which are shown and how; what somebody can make of it is in integration/test_attacker.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.privacy.counts import CountsError, Floats, Ints, read_counts
from pipelines.privacy.room import Room
from pipelines.privacy.suppression import SHOWN_SCHEMA, hidden_counts, shown_counts, small_counts
from pipelines.privacy.tables import protect_in_warehouse
from tests.attacker import Panel, random_panel, widths

Sums = Sequence[tuple[str, Sequence[str]]]


def cells(persons: Mapping[str, int | None], **columns: object) -> pa.Table:
    """Counts by name; every other column has one value in all rows."""
    rows = {"cell_id": list(persons), "persons": pa.array(persons.values(), pa.int64())}
    return pa.table({**rows, **{name: [value] * len(persons) for name, value in columns.items()}})


def sums(totals: Sums) -> pa.Table:
    """Sums as (total, parts), each under a name of its own; a part with a minus is taken off."""
    rows = [
        {
            "sum_id": str(number),
            "total_cell_id": total,
            "part_cell_id": part.removeprefix("-"),
            "sign": -1 if part.startswith("-") else 1,
        }
        for number, (total, parts) in enumerate(totals)
        for part in parts
    ]
    columns = [(name, pa.string()) for name in ("sum_id", "total_cell_id", "part_cell_id")]
    return pa.Table.from_pylist(rows, schema=pa.schema([*columns, ("sign", pa.int64())]))


def shown(persons: Mapping[str, int | None], totals: Sums = (), **columns: object) -> dict[str, int | None]:
    table = shown_counts(cells(persons, **columns), sums(totals))
    return dict(zip(table["cell_id"].to_pylist(), table["shown"].to_pylist(), strict=True))


def test_counts_below_k_are_hidden_and_the_rest_is_rounded() -> None:
    found = shown({"none": 0, "one": 1, "nine": 9, "ten": 10, "twelve": 12, "thirteen": 13})
    assert found == {"none": 0, "one": None, "nine": None, "ten": 10, "twelve": 10, "thirteen": 15}


def test_what_is_hidden_has_status_q() -> None:
    table = shown_counts(cells({"few": 3, "many": 30}), sums([]))
    assert table.schema == SHOWN_SCHEMA
    assert table.to_pylist() == [
        {"cell_id": "few", "shown": None, "obs_status": "Q"},
        {"cell_id": "many", "shown": 30, "obs_status": "A"},
    ]


def test_k_and_rounding_are_those_of_each_count() -> None:
    table = pa.table({"cell_id": ["a", "b", "c"], "persons": [7, 7, 25], "k": [5, 10, 20], "round_to": [1, 5, 10]})
    assert shown_counts(table, sums([]))["shown"].to_pylist() == [7, None, 30]


def test_no_rows_give_no_rows() -> None:
    assert shown_counts(cells({}, k=10, round_to=5, is_published=True).cast(_EMPTY), sums([])).num_rows == 0


_EMPTY = pa.schema(
    [
        ("cell_id", pa.string()),
        ("persons", pa.int64()),
        ("k", pa.int64()),
        ("round_to", pa.int64()),
        ("is_published", pa.bool_()),
    ]
)


def test_a_small_part_takes_the_smallest_other_part_with_it() -> None:
    found = shown({"total": 93, "few": 3, "some": 20, "many": 70}, [("total", ["few", "some", "many"])])
    assert found == {"total": 95, "few": None, "some": None, "many": 70}


def test_two_small_parts_that_are_few_together_take_a_third() -> None:
    found = shown(
        {"total": 77, "few": 3, "fewer": 2, "some": 22, "many": 50}, [("total", ["few", "fewer", "some", "many"])]
    )
    assert found == {"total": 75, "few": None, "fewer": None, "some": None, "many": 50}


def test_two_small_parts_that_are_enough_together_take_no_other() -> None:
    found = shown({"total": 66, "few": 9, "fewer": 7, "many": 50}, [("total", ["few", "fewer", "many"])])
    assert found == {"total": 65, "few": None, "fewer": None, "many": 50}


def test_an_only_part_hides_its_total() -> None:
    found = shown({"total": 4, "few": 4, "none": 0}, [("total", ["few", "none"])])
    assert found == {"total": None, "few": None, "none": 0}


def test_a_small_count_in_a_row_and_a_column_hides_a_rectangle() -> None:
    square = {f"{row}{column}": 30 for row in "abc" for column in "xyz"} | {"ax": 4}
    rows = {row: sum(square[f"{row}{column}"] for column in "xyz") for row in "abc"}
    columns = {column: sum(square[f"{row}{column}"] for row in "abc") for column in "xyz"}
    totals = [(row, [f"{row}{column}" for column in "xyz"]) for row in "abc"]
    totals += [(column, [f"{row}{column}" for row in "abc"]) for column in "xyz"]
    found = shown({**square, **rows, **columns, "all": sum(square.values())}, [*totals, ("all", "abc"), ("all", "xyz")])
    hidden = sorted(name for name, count in found.items() if count is None)
    assert len(hidden) == 4 and "ax" in hidden
    assert all(len(name) == 2 for name in hidden), "no total need go"


def test_one_count_in_two_tables_is_shown_the_same_in_both() -> None:
    """What did not change its borders stands there twice; of two counts that are one, neither can tell the other."""
    hidden = 0
    for seed in range(5):
        panel = random_panel(seed)
        table = shown_counts(panel.cells, panel.relations)
        found = dict(zip(table["cell_id"].to_pylist(), table["shown"].to_pylist(), strict=True))
        twice = [(total, *parts) for total, parts in panel.sums if len(parts) == 1]
        assert [found[one] for one, _ in twice] == [found[other] for _, other in twice]
        hidden += sum(found[one] is None for one, _ in twice)
    assert hidden > 0


def test_a_small_flow_hides_the_other_flow_and_no_stock() -> None:
    counts = {"begin": 100, "in": 6, "out": 20, "end": 86, "in 2": 30, "out 2": 40, "end 2": 76}
    found = shown(counts, [("end", ["begin", "in", "-out"]), ("end 2", ["end", "in 2", "-out 2"])])
    assert [name for name, count in found.items() if count is None] == ["in", "out"]


def test_an_auxiliary_count_is_never_shown_and_never_protected() -> None:
    persons = {"users": 40, "clients": 60, "rest": 20}
    table = cells(persons).append_column("is_published", pa.array([True, True, False]))
    assert shown_counts(table, sums([("clients", ["users", "rest"])])).to_pydict() == {
        "cell_id": ["clients", "users"],
        "shown": [60, 40],
        "obs_status": ["A", "A"],
    }


def test_a_part_that_a_shown_whole_holds_too_tightly_hides_the_whole() -> None:
    persons = {"users": 3, "clients": 10, "rest": 7}
    table = cells(persons).append_column("is_published", pa.array([True, True, False]))
    assert shown_counts(table, sums([("clients", ["users", "rest"])]))["shown"].to_pylist() == [None, None]


def test_sums_that_hold_a_count_tightly_only_together_are_seen() -> None:
    """Each sum by itself leaves room, and all of them together none: `a` is `total` less `both`, whatever `b` is."""
    counts = {"a": 5, "b": 15, "c": 40, "ab": 20, "bc": 55, "abc": 60}
    found = shown(counts, [("ab", ["a", "b"]), ("bc", ["b", "c"]), ("abc", ["a", "bc"])])
    panel = Panel(persons=counts, sums=[("ab", {"a": 1, "b": 1}), ("bc", {"b": 1, "c": 1}), ("abc", {"a": 1, "bc": 1})])
    assert found["a"] is None
    assert min(widths(panel, found, {}).values()) >= 10 - 1e-6


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    panel = random_panel(seed)
    chance = np.random.default_rng(seed)
    found = shown_counts(panel.cells, panel.relations)
    again = shown_counts(
        panel.cells.take(chance.permutation(panel.cells.num_rows)),
        panel.relations.take(chance.permutation(panel.relations.num_rows)),
    )
    assert again.equals(found)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_shown_counts_are_within_half_a_step_of_the_truth(seed: int) -> None:
    panel = random_panel(seed)
    for row in shown_counts(panel.cells, panel.relations).to_pylist():
        persons = panel.persons[row["cell_id"]]
        if row["shown"] is not None:
            assert row["shown"] % panel.round_to == 0
            assert abs(row["shown"] - persons) <= panel.round_to / 2
            assert persons == 0 or persons >= panel.k
        assert (row["obs_status"] == "Q") == (row["shown"] is None)


@given(st.integers(0, 10_000), st.integers(1, 3))
@settings(max_examples=10, deadline=None)
def test_nothing_is_hidden_where_no_count_is_small(seed: int, times: int) -> None:
    panel = random_panel(seed)
    grown = {name: persons * panel.k * times for name, persons in panel.persons.items()}
    panel.persons = grown
    assert shown_counts(panel.cells, panel.relations)["shown"].null_count == 0


@pytest.mark.parametrize("seed", range(0, 100, 12))
def test_every_way_to_fill_in_what_is_hidden_makes_the_sums_come_out(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof itself: what is shown keeps its value in all of them, and what is hidden is one at least."""
    panel = random_panel(seed)
    counts = read_counts(panel.cells, panel.relations)
    ways = [counts.persons.astype(float)]
    found = Room.found

    def watched(room: Room, columns: Ints, values: Floats) -> None:
        whole = counts.persons.astype(float)
        whole[columns] = values
        ways.append(whole)
        found(room, columns, values)

    monkeypatch.setattr(Room, "found", watched)
    hidden = hidden_counts(counts)
    assert hidden[small_counts(counts)].all()
    assert not hidden[counts.persons == 0].any()
    filled = np.array(ways)
    assert np.abs(counts.sums @ filled.T).max() < 1e-5
    assert (filled >= counts.lowest - 1e-5).all()
    assert np.abs((filled - counts.persons)[:, ~hidden & counts.published]).max() < 1e-5
    assert (np.ptp(filled, axis=0) >= counts.k - 1e-5)[hidden].all()


@pytest.mark.parametrize(
    ("rows", "totals", "message"),
    [
        ({"a": 3, "b": 4, "c": 8}, [("c", ["a", "b"])], "1 of 1 totals are not the sum of their parts"),
        ({"a": -1}, [], "negative"),
        ({"a": None}, [], "persons: found an empty cell"),
        ({"a": 3}, [("a", ["b"])], "not among the cells"),
    ],
)
def test_counts_that_contradict_themselves_are_refused(rows: dict[str, int | None], totals: Sums, message: str) -> None:
    with pytest.raises(CountsError, match=message):
        shown(rows, totals)


def test_a_count_that_stands_there_twice_and_two_totals_of_one_sum_are_refused() -> None:
    twice = pa.concat_tables([cells({"a": 3}), cells({"a": 3})])
    with pytest.raises(CountsError, match="twice"):
        shown_counts(twice, sums([]))
    two = pa.table({"sum_id": ["x", "x"], "total_cell_id": ["a", "b"], "part_cell_id": ["c", "c"]})
    with pytest.raises(CountsError, match="two totals"):
        shown_counts(cells({"a": 3, "b": 3, "c": 3}), two)


def test_a_message_holds_no_count_of_persons() -> None:
    with pytest.raises(CountsError) as caught:
        shown({"a": 3, "b": 4, "c": 8}, [("c", ["a", "b"])])
    assert "8" not in str(caught.value)


def test_the_step_between_the_tables_reads_core_and_writes_what_is_shown() -> None:
    with duckdb.connect() as connection:
        for schema in ("core", "privacy"):
            connection.execute(f"create schema {schema}")
        connection.execute(
            "create table core.protected_cell as select *, 'x' as table_name from (values "
            "('a', 3::bigint, 10, 5, true), ('b', 12, 10, 5, true), ('t', 15, 10, 5, true), ('h', 9, 1, 1, false)"
            ") as cell (cell_id, persons, k, round_to, is_published)"
        )
        connection.execute(
            "create table core.protected_sum as select 't' as sum_id, 't' as total_cell_id, part as part_cell_id, "
            "1 as sign from (values ('a'), ('b')) as part (part)"
        )
        assert protect_in_warehouse(connection) == {"counts": 3, "hidden": 2}
        assert connection.sql("select * from privacy.shown order by all").fetchall() == [
            ("a", None, "Q"),
            ("b", None, "Q"),
            ("t", 15, "A"),
        ]
        connection.execute("delete from core.protected_cell")
        connection.execute("delete from core.protected_sum")
        assert protect_in_warehouse(connection) == {"counts": 0, "hidden": 0}
        assert connection.sql("select * from privacy.shown").fetchall() == []
