"""The models about persons on generated populations, held against counting by hand, and what their marts let out."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

from pipelines.periods import period_bounds, period_table
from pipelines.privacy.suppression import shown_counts
from pipelines.voorbeeldland.messages import generate_messages
from pipelines.voorbeeldland.persons import numbers
from pipelines.warehouse.client_events import COLUMNS, HOUSEHOLD_COLUMNS, SPELL_COLUMNS
from tests.harmonising import Warehouse, relation, rendered

# What the tests share is made once.
pytestmark = pytest.mark.xdist_group("person_marts")

CORE = (
    *("core_period", "core_region_member", "core_client_event", "core_delivered_spell", "core_person_window"),
    *("core_provision_spell", "core_person_period", "core_drill_down", "core_drill_down_cell", "core_drill_down_pair"),
    *("core_drill_down_sum", "core_drill_down_within"),
    *("core_person_cost", "core_drill_down_cost", "core_stapeling", "core_stapeling_cell", "core_costliest_case"),
    *("core_protected_cell", "core_protected_sum"),
)
MARTS = ("drill_down", "drill_down_referrer", "stapeling", "costliest_case")
HALF_YEARS = ("2024H1", "2024H2", "2025H1", "2025H2")
FIRST, LAST = dt.date(2024, 1, 1), dt.date(2025, 12, 31)
REGIONS = ("GM9001", "GM9002")


@dataclass(frozen=True)
class Use:
    """One stretch of use."""

    law: str
    region: str
    person: str
    provision: str
    start: dt.date
    end: dt.date | None


def drawn(seed: int, persons: int) -> list[Use]:
    """A population; some of it has several stretches under one law, or lives in two municipalities."""
    chance = random.Random(seed)
    uses = []
    for number, law in itertools.product(range(persons), ("wmo", "jeugd", "participatie")):
        for _ in range(chance.choices((0, 1, 2), (5, 4, 1))[0]):
            start = FIRST + dt.timedelta(days=chance.randrange(-200, 700))
            end = start + dt.timedelta(days=chance.randrange(1, 400)) if chance.random() < 0.7 else None
            region = REGIONS[number % 2] if chance.random() < 0.95 else REGIONS[(number + 1) % 2]
            uses.append(Use(law, region, f"{number:032x}", chance.choice(("a", "b", "c")), start, end))
    return uses


def _message_rows(uses: list[Use]) -> Iterator[dict[str, Any]]:
    for at, use in enumerate(use for use in uses if use.law != "participatie"):
        standard = {"wmo": "iwmo", "jeugd": "ijw"}[use.law]
        same = {
            **{"source_id": standard, "vintage_id": "v", "line": at, "standard": standard, "person_key": "k"},
            **{"region_code": use.region, "person": use.person, "allocation_id": str(at), "category": use.provision},
            **{"start_date": use.start, "message_date": min(max(use.start, FIRST), LAST)},
        }
        yield {**same, "event": "start"}
        yield {**same, "event": "request", "referrer_type": ("01", "02", "08")[at % 3]}
        if use.end is not None:
            yield {**same, "event": "stop", "end_date": use.end, "reason_code": "19"}
        for quarter in range(8):
            day = dt.date(2024 + quarter // 4, quarter % 4 * 3 + 1, 1)
            if use.start <= day and (use.end is None or use.end >= day):
                cents = 100_00 * (1 + at % 97)
                yield {**same, "event": "claim", "start_date": day, "end_date": LAST, "amount_eurocents": cents}


def built(uses: list[Use]) -> Warehouse:
    """A warehouse with the models of this area, and what may be shown of their counts."""
    warehouse = Warehouse()
    connection = warehouse._connection
    connection.execute("create schema if not exists privacy")
    # So that every law is known from the first day to the last in both regions.
    ends = [
        {
            "source_id": s,
            "vintage_id": "v",
            "standard": s,
            "person_key": "k",
            "region_code": region,
            "event": "claim_answered",
            "message_date": day,
        }
        for s, region, day in itertools.product(("iwmo", "ijw"), REGIONS, (FIRST, LAST))
    ]
    spells = [
        {
            **{"source_id": "tabel", "vintage_id": "v", "region_code": use.region, "law": use.law},
            **{"provision": use.provision, "person": use.person, "person_key": "k", "household": use.person[:31]},
            **{"start_date": use.start, "end_date": use.end, "known_from": FIRST, "known_to": LAST},
        }
        for use in uses
        if use.law == "participatie"
    ]
    events = [*ends, *_message_rows(uses)]
    warehouse.put_raw("raw.client_event", pa.Table.from_pylist(events, schema=COLUMNS))
    warehouse.put_raw("raw.person_spell", pa.Table.from_pylist(spells, schema=SPELL_COLUMNS))
    warehouse.put_raw("raw.person_household", HOUSEHOLD_COLUMNS.empty_table())
    warehouse.put("raw.delivery", [{"vintage_id": "v", "is_current": True}])
    warehouse.put("declared.period", period_table(["2023", "2024", "2025", *HALF_YEARS]))
    warehouse.put("declared.region", [{"region_code": "SV-TEST", "region_name": "Test", "members_complete": True}])
    warehouse.put("declared.region_member", [{"group_code": "SV-TEST", "member_code": code} for code in REGIONS])
    warehouse.put("declared.provision", [{"law": "jeugd", "category": "c", "provision": "c", "is_crisis": True}])
    warehouse.put("declared.referrer", [{"code": "01", "referrer": "gemeente", "is_wijkteam": True}])
    _make(warehouse, "stg_figures", *CORE[:-2])
    _make(warehouse, *CORE[-2:])
    shown = shown_counts(warehouse.table("core.protected_cell"), warehouse.table("core.protected_sum"))
    warehouse.put_raw("privacy.shown", shown)
    _make(warehouse, *MARTS)
    return warehouse


def _make(warehouse: Warehouse, *models: str) -> None:
    """Build models, and before each whatever it reads that is not there yet (other areas add counts of their own)."""
    for model in models:
        there = set(
            warehouse.query("select schema_name || '.' || table_name as name from duckdb_tables()")["name"].to_pylist()
        )
        for schema, name in re.findall(r'(core|staging)\."(\w+)"', rendered(model)):
            if f"{schema}.{name}" not in there:
                _make(warehouse, f"core_{name}" if schema == "core" else name)
        warehouse._connection.execute(f"create or replace table {relation(model)} as {rendered(model)}")


@pytest.fixture(scope="module")
def small() -> tuple[list[Use], Warehouse]:
    uses = drawn(1, 140)
    return uses, built(uses)


def _in(use: Use, period: str) -> bool:
    first, last = period_bounds(period)
    return use.start <= last and (use.end is None or use.end >= first)


def test_clients_are_the_persons_with_use_in_the_period_counted_once(small: tuple[list[Use], Warehouse]) -> None:
    uses, warehouse = small
    found = {
        (row["law"], row["region_code"], row["provision"], row["period_code"]): row["clients"]
        for row in warehouse.table("core.drill_down").to_pylist()
    }
    for law, region, provision, period in itertools.product(
        ("wmo", "jeugd", "participatie"),
        (*REGIONS, "SV-TEST"),
        ("a", "b", "c", "totaal"),
        (*HALF_YEARS, "2024", "2025"),
    ):
        wanted = {
            use.person
            for use in uses
            if use.law == law
            and region in (use.region, "SV-TEST")
            and provision in (use.provision, "totaal")
            and _in(use, period)
        }
        assert found.get((law, region, provision, period), 0) == len(wanted), (law, region, provision, period)


def test_stapeling_is_the_persons_by_the_laws_they_had_use_under(small: tuple[list[Use], Warehouse]) -> None:
    uses, warehouse = small
    found = {
        (row["region_code"], row["period_code"], row["law_bits"]): row["persons"]
        for row in warehouse.table("core.stapeling").to_pylist()
    }
    bits = {"wmo": 1, "jeugd": 2, "participatie": 4}
    for region, period in itertools.product((*REGIONS, "SV-TEST"), HALF_YEARS):
        of_person: dict[str, int] = {}
        for use in uses:
            if region in (use.region, "SV-TEST") and _in(use, period):
                of_person[use.person] = of_person.get(use.person, 0) | bits[use.law]
        for combination in range(1, 8):
            assert found[region, period, combination] == list(of_person.values()).count(combination)


def test_every_sum_holds_and_every_count_that_a_mart_shows_is_protected(small: tuple[list[Use], Warehouse]) -> None:
    _, warehouse = small
    off = warehouse.query(
        "select total.cell_id from core.protected_sum as sums "
        "join core.protected_cell as total on sums.total_cell_id = total.cell_id "
        "join core.protected_cell as part on sums.part_cell_id = part.cell_id "
        "group by sums.sum_id, total.cell_id, total.persons having total.persons != sum(part.persons * sums.sign)"
    )
    assert off.num_rows == 0
    kinds = warehouse.query("select distinct split_part(sum_id, '|', 1) as kind from core.protected_sum")
    assert set(kinds["kind"].to_pylist()) >= {
        *("split", "year", "law", "region", "once", "number_of_laws", "laws", "besides", "one_half", "moved")
    }
    cells = warehouse.query("select count(*), count(distinct cell_id), min(persons) from core.protected_cell")
    total, distinct, lowest = (column[0].as_py() for column in cells.columns)
    assert total == distinct and lowest >= 0


def test_no_mart_shows_a_count_below_k_or_that_is_not_rounded(small: tuple[list[Use], Warehouse]) -> None:
    _, warehouse = small
    shown = [
        count
        for mart, columns in {"drill_down": "clients, inflow, outflow", "stapeling": "persons, households"}.items()
        for column in warehouse.query(f"select {columns} from marts.{mart}").columns
        for count in column.to_pylist()
        if count is not None
    ]
    assert len(shown) > 100
    assert {count for count in shown if 0 < count < 10 or count % 5} == set()
    hidden = warehouse.query("select count(*) as n from marts.drill_down where obs_status = 'Q' and clients is null")
    assert hidden["n"][0].as_py() > 0


def test_no_mart_holds_a_pseudonym_or_a_day(small: tuple[list[Use], Warehouse]) -> None:
    uses, warehouse = small
    persons = {use.person for use in uses}
    for mart in MARTS:
        table = warehouse.table(f"marts.{mart}")
        assert table.num_rows > 0, mart
        assert not {"person", "person_key", "household"} & set(table.column_names)
        assert not any(pa.types.is_temporal(field.type) for field in table.schema)
        text = str(table.to_pylist())
        assert not persons & set(re.findall(r"[0-9a-f]{32}", text))


def test_costliest_cases_are_bands_and_provisions_of_ten_persons_and_nothing_else() -> None:
    uses = [Use("wmo", "GM9001", f"{number:032x}", "a" if number else "b", FIRST, None) for number in range(60)]
    warehouse = built(uses)
    rows = warehouse.table("marts.costliest_case").to_pylist()
    assert {row["provision"] for row in rows} == {"a"}
    assert {row["region_code"] for row in rows} == {"GM9001"}
    assert set(rows[0]) == {"region_code", "period_code", "band", "band_nl", "law", "provision", "provision_nl"}


def test_persons_under_another_key_are_never_counted_with_those_under_this_one() -> None:
    uses = drawn(3, 60)
    warehouse = built(uses)
    warehouse._connection.execute(
        "create or replace table raw.client_event as select * replace "
        "(case when line % 2 = 0 then 'other' else person_key end as person_key) from raw.client_event"
    )
    _make(warehouse, *CORE[:-2])
    counts = warehouse.query("select distinct law, clients is null as is_null from core.drill_down order by all")
    assert counts.to_pylist() == [
        {"law": "jeugd", "is_null": True},
        {"law": "participatie", "is_null": False},
        {"law": "wmo", "is_null": True},
    ]
    assert warehouse.query("select distinct persons from core.stapeling")["persons"].to_pylist() == [None]


def test_the_bundled_messages_are_those_of_the_generator(tmp_path: Any) -> None:
    from pipelines.voorbeeldland.__main__ import MESSAGES
    from pipelines.voorbeeldland.generator import DEFAULT_SEED

    generate_messages(tmp_path, DEFAULT_SEED)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(made) > 20
    assert {name: (MESSAGES / name).read_bytes() for name in made} == made


def test_the_numbers_of_fictional_persons_pass_the_eleven_test_and_are_of_the_range_for_tests() -> None:
    found = numbers()
    assert len(set(found)) == len(found) > 500
    for number in found:
        weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
        assert sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True)) % 11 == 0
        assert number.startswith("9999") and len(number) == 9
