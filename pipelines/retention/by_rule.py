"""What the rules of `[retention]` let go, and removing it.

What belongs here: which rows, vintages, runs and logs a rule means, what keeps them all the same, and the order of
removing. What does not: the rules themselves (`settings`), erasing somebody on request (`erasure`), publications
(`publish`) and messages (`alerts`).

A plan is made from what counts in the warehouse; what counts is never removed, but for persons who were last heard of
long ago. Where rows of persons go, the warehouse goes first: broken off anywhere, the next run builds it from what is
left, and the next removal does the rest.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.load import load_declarations
from pipelines.declarations.source import Source
from pipelines.deliveries.kept_rows import EXPIRED, ROWS, KeptRows, read_kept_rows, rows_of
from pipelines.deliveries.marks import as_called
from pipelines.deliveries.persons import renewed_pseudonyms
from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.publish.versions import current
from pipelines.retention.erasure import key_of, keys_at_hand
from pipelines.retention.kept_from import record_kept_from
from pipelines.retention.long_ago import is_of_households, last_heard_of_before
from pipelines.retention.removal import LeftOut, alone, empty_warehouses, note
from pipelines.run_folder import runs_too_old
from pipelines.settings import Settings, SetupError
from pipelines.warehouse.connection import connect_read_only

_BY_RULE: Final = "retention"
_LONGEST_SILENCE: Final = dt.timedelta(days=366)


@dataclass(frozen=True)
class _OfPersons:
    """A vintage with rows of persons: as it is kept, with the persons as the present key calls them, and its place."""

    snapshot: Snapshot
    kept: KeptRows
    rows: pa.Table
    counts: bool


@dataclass(frozen=True)
class Plan:
    """What the rules let go. `not_judged` are vintages whose pseudonyms were made with a key that is not here."""

    rows: tuple[LeftOut, ...] = ()
    rows_before: dt.date | None = None
    vintages: tuple[Snapshot, ...] = ()
    vintages_before: dt.date | None = None
    runs: tuple[Path, ...] = ()
    not_judged: tuple[str, ...] = ()
    _rest: Mapping[str, tuple[Snapshot, KeptRows]] = field(default_factory=dict, repr=False)

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.vintages or self.runs)


def apply_rules(settings: Settings, *, dry_run: bool) -> Plan:
    """Remove what the rules let go, or with `dry_run` only say what that is.

    Raises SetupError where nothing is kept, no run finished, or a key lacks; RunBusyError where a run is writing.
    """
    with alone(settings):
        store = SnapshotStore(settings.snapshots_dir)
        store.tidy()
        plan = _plan(settings, store)
        if not dry_run:
            _refuse_clock_ahead(settings)
            _remove(settings, store, plan)
        return plan


def _refuse_clock_ahead(settings: Settings) -> None:
    """What is removed does not come back: a clock that is years ahead must not do that."""
    published = current(settings)
    if published is None:
        return
    last = dt.datetime.fromisoformat(published["published_at"]).date()
    if settings.today > last + _LONGEST_SILENCE:
        raise SetupError(
            f"found {settings.today} for today, more than a year after the last publication ({last}); set the clock, "
            "or run `nulmeting run` where it is right, then repeat"
        )


def _plan(settings: Settings, store: SnapshotStore) -> Plan:
    rules, today = settings.retention, settings.today
    rows_before = dt.date(today.year - rules.client_rows_years, 1, 1) if rules.client_rows_years else None
    vintages_before = _years_before(today, rules.snapshots_years) if rules.snapshots_years else None
    status = _status_of_vintages(settings) if rows_before or vintages_before else {}
    not_judged: list[str] = []
    rest = _too_old_of_persons(settings, store, rows_before, status, not_judged) if rows_before else {}
    return Plan(
        rows=tuple(left_out for _, _, left_out in rest.values()),
        rows_before=rows_before,
        vintages=tuple(_superseded(settings, store, vintages_before, status)) if vintages_before else (),
        vintages_before=vintages_before,
        runs=runs_too_old(settings, dt.datetime.now(dt.UTC)),
        not_judged=tuple(not_judged),
        _rest={vintage_id: (snapshot, kept) for vintage_id, (snapshot, kept, _) in rest.items()},
    )


def _remove(settings: Settings, store: SnapshotStore, plan: Plan) -> None:
    if plan.rows and plan.rows_before is not None:
        households = {snapshot.source_id for snapshot, kept in plan._rest.values() if is_of_households(kept.rows)}
        for source_id in sorted({one.source_id for one in plan.rows} - households):
            record_kept_from(store.root, source_id, plan.rows_before)
        empty_warehouses(settings, _BY_RULE)
        for one in plan.rows:
            snapshot, rest = plan._rest[one.vintage_id]
            store.put_in_place_of_bytes(snapshot, {ROWS: rest.as_bytes()})
            note(settings, _BY_RULE, f"{one.rows} rows of {one.vintage_id}")
    for snapshot in plan.vintages:
        store.remove(snapshot)
        note(settings, _BY_RULE, f"vintage of {snapshot.source_id}/{snapshot.name} of {_day(snapshot)}")
    for path in plan.runs:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        note(settings, _BY_RULE, path.relative_to(settings.state_dir).as_posix())


# Rows of persons


def _too_old_of_persons(
    settings: Settings,
    store: SnapshotStore,
    before: dt.date,
    status: Mapping[str, tuple[bool, str]],
    not_judged: list[str],
) -> dict[str, tuple[Snapshot, KeptRows, LeftOut]]:
    """The vintages that are left with fewer rows, by name."""
    of_source: dict[str, list[_OfPersons]] = defaultdict(list)
    for one in _of_persons(settings, store, status, not_judged):
        of_source[one.snapshot.source_id].append(one)
    masks: list[tuple[_OfPersons, pa.ChunkedArray]] = []
    in_use: set[str] = set()
    households: list[_OfPersons] = []
    for vintages in of_source.values():
        if is_of_households(vintages[0].rows):
            households += vintages
            continue
        counting = [one.rows for one in vintages if one.counts]
        rows = pa.concat_tables(counting) if counting else vintages[0].rows.slice(0, 0)
        gone = last_heard_of_before(before, rows)
        stay = set(pc.unique(rows["person"]).to_pylist()) - gone
        in_use |= stay
        for one in vintages:
            mask = rows_of(one.rows, gone)
            if not one.counts and _day(one.snapshot) < before:
                # What was replaced long ago says no more of anybody who is in nothing that counts.
                mask = pc.or_(mask, _of_others(one.rows, stay))
            masks.append((one, mask))
    for one in households:
        old = pc.fill_null(pc.less(one.rows["start_date"], pa.scalar(before)), False)
        masks.append((one, pc.and_(old, _of_others(one.rows, in_use))))
    found = {}
    for one, mask in masks:
        if rows_gone := pc.sum(mask).as_py() or 0:
            left_out = LeftOut(one.snapshot.source_id, one.snapshot.vintage_id, rows_gone)
            found[one.snapshot.vintage_id] = (one.snapshot, one.kept.without(mask, EXPIRED), left_out)
    return found


def _of_persons(
    settings: Settings, store: SnapshotStore, status: Mapping[str, tuple[bool, str]], not_judged: list[str]
) -> Iterator[_OfPersons]:
    keys: Sequence[PseudonymKey] = ()
    for source_id in store.source_ids():
        for snapshot in store.list(source_id):
            if all(file.name != ROWS for file in snapshot.in_place_of_bytes):
                continue
            # Asked for only where somebody is kept: most installations hold no deliveries about persons.
            keys = keys or keys_at_hand(settings)
            kept = read_kept_rows(snapshot.read_in_place_of_bytes()[ROWS])
            key = key_of(kept, keys)
            if key is None or snapshot.tells_checksum:
                not_judged.append(snapshot.vintage_id)
                continue
            rows = renewed_pseudonyms(kept.rows, kept.person_key, key)
            yield _OfPersons(snapshot, kept, rows, counts=status.get(snapshot.vintage_id, (False, ""))[0])


def _of_others(rows: pa.Table, persons: set[str]) -> pa.ChunkedArray:
    """Which rows are of somebody who is none of these; a row of nobody is not."""
    return pc.and_(pc.is_valid(rows["person"]), pc.invert(rows_of(rows, persons)))


# Vintages of other deliveries


def _superseded(
    settings: Settings, store: SnapshotStore, before: dt.date, status: Mapping[str, tuple[bool, str]]
) -> Iterator[Snapshot]:
    """Vintages that had made way for another by then: no day after it would be answered otherwise without them."""
    for source in load_declarations(settings.sources_dir, settings.profile).sources:
        by_name: dict[str, list[Snapshot]] = defaultdict(list)
        for snapshot in as_called(source, store, store.list(source.source_id)):
            by_name[snapshot.name].append(snapshot)
        for snapshots in by_name.values():
            yield from _superseded_of(source, snapshots, before, status)


def _superseded_of(
    source: Source, snapshots: list[Snapshot], before: dt.date, status: Mapping[str, tuple[bool, str]]
) -> Iterator[Snapshot]:
    known = sorted((one for one in snapshots if one.was_known_on(before)), key=lambda one: (_day(one), one.fetched_at))
    # One that was refused takes the place of nothing.
    read = [one for one in known if status.get(one.vintage_id, (False, ""))[1] == "loaded"]
    if not read:
        return
    # The first of a name has the declared day of its publication; without it the next would be given that day.
    kept_first = min(snapshots, key=lambda one: (one.fetched_at, one.vintage_id)) if source.vintages else None
    for one in known[: known.index(read[-1])]:
        counts = status.get(one.vintage_id, (False, ""))[0]
        if not counts and one != kept_first and one.has_bytes:
            yield one


def _status_of_vintages(settings: Settings) -> dict[str, tuple[bool, str]]:
    """Whether a vintage counts now, and what became of it, as the latest run has it."""
    if not settings.warehouse_path.is_file():
        found = f"{settings.warehouse_path}: found no warehouse, which tells what counts now"
        raise SetupError(f"{found}; run `nulmeting run`, then repeat")
    with connect_read_only(settings.warehouse_path) as connection:
        if not connection.execute(
            "from duckdb_tables() where schema_name = 'raw' and table_name = 'delivery'"
        ).fetchall():
            raise SetupError(f"{settings.warehouse_path}: found no deliveries in it; run `nulmeting run`, then repeat")
        rows = connection.execute("select vintage_id, is_current, status from raw.delivery").fetchall()
    return {vintage_id: (is_current, status) for vintage_id, is_current, status in rows}


def _day(snapshot: Snapshot) -> dt.date:
    return snapshot.vintage_date or snapshot.fetched_at.date()


def _years_before(day: dt.date, years: int) -> dt.date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
