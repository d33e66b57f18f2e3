"""Stapeling of a million persons under three laws: the models from the events of messages to the mart.

    .venv/bin/python benchmarks/stapeling.py [persons] [rounds]

A population is made (Wmo and jeugd as events of messages, participatie and the household of everybody as tables, a few
half-years, fictional regions), and then the models are built by the project's own runner in a process of their own.
Quoted are medians: the seconds of the models, the wall seconds of the whole process with dbt's parsing in it, and its
peak memory. Bounds: 20 s for the models and 3 GiB for the process, on 2 cores.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

ROOT = Path(__file__).resolve().parent.parent
MODELS = (
    *("core_client_event", "core_delivered_spell", "core_person_window"),
    *("core_stapeling", "core_stapeling_cell", "stapeling"),
)
BEFORE = (
    *("stg_figures", "core_period", "core_region_member"),
    *("core_neighbourhood", "core_region", "core_region_name"),
)
MOST_SECONDS, MOST_MIB = 20.0, 3 * 1024
FIRST_DAY, LAST_DAY = np.datetime64("2023-01-01"), np.datetime64("2025-12-31")
REGIONS = np.array([f"VB{number:04}" for number in range(1, 9)])

_BUILD = """
import json, resource, sys
from pathlib import Path
from pipelines.warehouse.transform import build
runs = build(Path(sys.argv[1]), sys.argv[2:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"seconds": {run.unique_id: run.seconds for run in runs}, "mib": int(peak.split()[1]) / 1024}))
"""


def generate(path: Path, persons: int) -> None:
    """A warehouse with all that the models read."""
    from pipelines.declarations.declared_schema import SCHEMAS
    from pipelines.geography.tables import SCHEMAS as GEOGRAPHY
    from pipelines.periods import period_table
    from pipelines.privacy.suppression import SHOWN_SCHEMA
    from pipelines.warehouse.client_events import COLUMNS, HOUSEHOLD_COLUMNS, SPELL_COLUMNS
    from pipelines.warehouse.connection import connect
    from pipelines.warehouse.figures import create_figures
    from pipelines.warehouse.load import replace_tables
    from pipelines.warehouse.raw_tables import ACCOUNTS

    draw = np.random.default_rng(2015)
    people = pa.array([f"{number:032x}" for number in range(persons)])
    home = REGIONS[draw.integers(0, len(REGIONS), persons)]
    setting = {"today": [dt.date(2026, 7, 1)], "reference_year": [2026], "price_year": [2026]}
    calendar = [f"{year}{part}" for year in range(2022, 2027) for part in ("", "H1", "H2")]
    vintages = {"vintage_id": ["wmo", "jeugd", "participatie"], "is_current": [True, True, True]}
    with connect(path) as connection:
        replace_tables(connection, "declared", {name: schema.empty_table() for name, schema in SCHEMAS.items()})
        replace_tables(connection, "declared", {"period": period_table(calendar), "setting": pa.table(setting)})
        replace_tables(connection, "raw", {name: schema.empty_table() for name, schema in GEOGRAPHY.items()})
        replace_tables(connection, "raw", {name: schema.empty_table() for name, schema in ACCOUNTS.items()})
        replace_tables(connection, "raw", {"delivery": _shaped(pa.table(vintages), ACCOUNTS["delivery"])})
        create_figures(connection, [])
        connection.execute("create schema if not exists privacy")
        replace_tables(connection, "privacy", {"shown": SHOWN_SCHEMA.empty_table()})
        connection.register("shape", COLUMNS.empty_table())
        connection.execute("create or replace table raw.client_event as select * from shape")
        for law, standard, share in (("wmo", "iwmo", 0.6), ("jeugd", "ijw", 0.4)):
            _insert_events(connection, draw, (people, home), law, standard, share)
        replace_tables(connection, "raw", {"person_spell": _shaped(_spells(draw, people, home), SPELL_COLUMNS)})
        replace_tables(connection, "raw", {"person_household": _shaped(_households(people, home), HOUSEHOLD_COLUMNS)})


def _insert_events(
    connection: duckdb.DuckDBPyConnection,
    draw: np.random.Generator,
    population: tuple[pa.Array, np.ndarray],
    law: str,
    standard: str,
    share: float,
) -> None:
    from pipelines.warehouse.client_events import COLUMNS

    people, home = population
    who = np.flatnonzero(draw.random(len(people)) < share)
    who = np.concatenate([who, who[draw.random(len(who)) < 0.15]])
    start, end = _stretches(draw, len(who))
    same: dict[str, Any] = {
        "person": people.take(pa.array(who)),
        "region_code": home[who],
        "allocation_id": pa.array(np.arange(len(who))).cast(pa.string()),
        "category": np.array(["01", "02", "07", "15"])[draw.integers(0, 4, len(who))],
        "start_date": start,
        # A message is signed when what it tells has happened, so that a law is known from the first day to the last.
        "message_date": np.clip(start, FIRST_DAY, LAST_DAY),
    }
    stopped = pa.array(~np.isnat(end))
    for event in ("allocation", "start", "stop"):
        table = pa.table({**same, "end_date": end} if event == "stop" else same)
        table = table.filter(stopped) if event == "stop" else table
        constant = {"source_id": law, "vintage_id": law, "standard": standard, "person_key": "key", "event": event}
        if event == "stop":
            constant["reason_code"] = "19"
        for name, value in constant.items():
            table = table.append_column(name, pa.repeat(value, table.num_rows))
        connection.register("incoming", _shaped(table, COLUMNS))
        connection.execute("insert into raw.client_event select * from incoming")
        connection.unregister("incoming")


def _spells(draw: np.random.Generator, people: pa.Array, home: np.ndarray) -> pa.Table:
    who = np.flatnonzero(draw.random(len(people)) < 0.5)
    start, end = _stretches(draw, len(who))
    table = pa.table(
        {
            "person": people.take(pa.array(who)),
            "region_code": home[who],
            "start_date": start,
            "end_date": end,
        }
    )
    constant = {"source_id": "participatie", "vintage_id": "participatie", "law": "participatie"}
    for name, value in {**constant, "provision": "bijstand", "person_key": "key"}.items():
        table = table.append_column(name, pa.repeat(value, len(who)))
    for name, day in (("known_from", FIRST_DAY), ("known_to", LAST_DAY)):
        table = table.append_column(name, pa.array(np.full(len(who), day)))
    return table


def _households(people: pa.Array, home: np.ndarray) -> pa.Table:
    """Everybody with the next one, whatever the region that each of them is in."""
    count = len(people)
    constant = {"source_id": "huishouden", "vintage_id": "participatie", "person_key": "key"}
    return pa.table(
        {
            **{name: pa.repeat(value, count) for name, value in constant.items()},
            "person": people,
            "region_code": home,
            "household": pa.array([f"{number // 2:032x}" for number in range(count)]),
            "start_date": pa.array(np.full(count, LAST_DAY)),
        }
    )


def _stretches(draw: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """When use begins and ends; without an end for two in five."""
    days = int((LAST_DAY - FIRST_DAY).astype(int))
    start = FIRST_DAY + draw.integers(-400, days, count).astype("timedelta64[D]")
    end = start + draw.integers(20, 700, count).astype("timedelta64[D]")
    return start, np.where(draw.random(count) < 0.6, end, np.datetime64("NaT", "D"))


def _shaped(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def measure(path: Path, models: tuple[str, ...]) -> tuple[float, float, float]:
    """Seconds of the models, wall seconds and peak MiB of a process that builds them."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DO_NOT_TRACK": "1"}
    started = time.monotonic()
    outcome = subprocess.run(
        [sys.executable, "-c", _BUILD, str(path), *models],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.monotonic() - started
    if outcome.returncode:
        raise SystemExit(outcome.stdout + outcome.stderr)
    told = json.loads(outcome.stdout.splitlines()[-1])
    for model, seconds in told["seconds"].items():
        print(f"  {model.rpartition('.')[2]:24} {seconds:6.2f} s")
    return sum(told["seconds"].values()), wall, told["mib"]


def main(persons: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "warehouse.duckdb"
        # In a process of its own, so that nothing of the population is left in memory.
        command = [sys.executable, __file__, "--generate", str(path), str(persons)]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
        measure(path, BEFORE)
        found = [measure(path, MODELS) for _ in range(rounds)]
    seconds, wall, mib = (statistics.median(values) for values in zip(*found, strict=True))
    print(
        f"{persons} persons: models {seconds:.1f} s, whole process {wall:.1f} s, peak {mib:.0f} MiB ({rounds} rounds)"
    )
    if persons >= 1_000_000 and (seconds > MOST_SECONDS or mib > MOST_MIB):
        raise SystemExit(f"slower or larger than {MOST_SECONDS:.0f} s and {MOST_MIB} MiB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--generate"]:
        generate(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
