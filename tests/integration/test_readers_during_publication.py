"""Fifty readers query the published set in a loop while twenty publications swap: none fails, none sees a mixture.

Every table of a publication carries the publication's stamp, so that a mixture of two would show. The readers are
processes of their own that know nothing of this project: they open the names that analysts open.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines.publish.publication import publish
from pipelines.publish.versions import looks_whole, versions_of
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect

READERS, PATIENT, PUBLICATIONS = 50, 5, 20
TABLES = ("coverage", "delivery", "observation", "trend_break")

# One process that forks the readers, so that the libraries are imported once. Each reader writes a line of JSON.
_READERS = """
import json, os, random, sys, time
from pathlib import Path

import duckdb

root, told, readers, patient = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
STOP = told / "stop"
STAMPS = "select distinct stamp from {0} order by all"


def stamps(connection, tables):
    found = set()
    for table in tables:
        found.update(stamp for (stamp,) in connection.execute(STAMPS.format(table)).fetchall())
    return found


def by_database():
    with duckdb.connect(str(root / "nulmeting.duckdb"), read_only=True, config={"threads": 1}) as connection:
        names = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        tables = [f"marts.{name}" for (name,) in names]
        first = stamps(connection, tables)
        time.sleep(chance.uniform(0.0, 0.1))
        return first | stamps(connection, tables)


def by_parquet():
    # The documented way: find out once where the set lies, then read there.
    folder = (root / "current").resolve()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    with duckdb.connect(config={"threads": 1}) as connection:
        files = [f"'{folder / name}'" for name in manifest["checksums"] if name.startswith("parquet/")]
        return stamps(connection, files) | {int(manifest["run_id"])}


def read(number):
    outcome = {"patient": number < patient, "reads": 0, "torn": [], "failed": [], "seen": []}
    seen, kept = set(), None
    if number < patient:
        kept = duckdb.connect(str(root / "nulmeting.duckdb"), read_only=True, config={"threads": 1})
    while not STOP.exists() or outcome["reads"] < 2:
        try:
            if kept is not None:
                found = stamps(kept, [f"marts.{name}" for name in ("coverage", "observation", "trend_break")])
            else:
                found = by_parquet() if (number + outcome["reads"]) % 2 else by_database()
            seen |= found
            if len(found) != 1:
                outcome["torn"].append(sorted(found))
        except Exception as error:
            outcome["failed"].append(f"{type(error).__name__}: {error}")
        outcome["reads"] += 1
        if outcome["reads"] == 1:
            (told / f"ready-{number}").touch()
        time.sleep(chance.uniform(0.0, 1.2))
    outcome["seen"] = sorted(seen)
    (told / f"reader-{number}.json").write_text(json.dumps(outcome), encoding="utf-8")


children = []
for number in range(readers):
    child = os.fork()
    if child == 0:
        os.nice(10)
        chance = random.Random(number)
        read(number)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""


def _fill(settings: Settings, stamp: int) -> None:
    with connect(settings.warehouse_path) as connection:
        for table in TABLES:
            rows = 1 if table == "delivery" else 2000
            more = (
                ", 'a/b/c' as vintage_id, 'a' as source_id, null::date as vintage_date, 'x' as vintage_label, "
                "'ff' as checksum_sha256, true as is_current"
                if table == "delivery"
                else ", range as region"
            )
            query = f"select {stamp}::bigint as stamp{more} from range({rows})"
            connection.execute(f"create or replace table marts.{table} as {query}")


def _wait_for(readers: subprocess.Popen[bytes], told: Path) -> None:
    while len(list(told.glob("ready-*"))) < READERS:
        assert readers.poll() is None, "the readers ended before they had read"
        time.sleep(0.05)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", keep_publications=5, keep_monthly_publications=1)


def test_fifty_readers_never_fail_or_see_a_mixture_while_twenty_publications_swap(
    settings: Settings, tmp_path: Path
) -> None:
    root, told = settings.published_path.parent, tmp_path / "told"
    told.mkdir()
    _fill(settings, 0)
    publish(settings, "0")
    command = [sys.executable, "-c", _READERS, str(root), str(told), str(READERS), str(PATIENT)]
    with subprocess.Popen(command) as readers:
        try:
            _wait_for(readers, told)
            for stamp in range(1, PUBLICATIONS + 1):
                _fill(settings, stamp)
                publish(settings, str(stamp))
        finally:
            (told / "stop").touch()
    assert readers.returncode == 0
    outcomes: list[dict[str, Any]] = [
        json.loads((told / f"reader-{number}.json").read_text(encoding="utf-8")) for number in range(READERS)
    ]
    assert [failure for outcome in outcomes for failure in outcome["failed"]] == []
    assert [torn for outcome in outcomes for torn in outcome["torn"]] == []
    # who keeps a connection open stays with what counted then, also when that has long been removed
    assert [outcome["seen"] for outcome in outcomes if outcome["patient"]] == [[0]] * PATIENT
    seen = {stamp for outcome in outcomes if not outcome["patient"] for stamp in outcome["seen"]}
    assert len(seen) > PUBLICATIONS / 2
    assert sum(outcome["reads"] for outcome in outcomes) > 2 * READERS
    standing = versions_of(root)
    assert len(standing) == settings.keep_publications and all(looks_whole(version.folder) for version in standing)
