"""Deliveries about persons: what is kept in place of their bytes, and which pseudonyms may stand side by side.

What belongs here: the rows of a message as they are kept under pseudonyms, the key that they were made with, erased
persons who come back, and messages that come twice. What does not: making pseudonyms (`privacy.pseudonym`), the form of
the file (`kept_rows`), reading messages (`readers.istandaard`), and deliveries of other kinds (`folder`).

The rows lie beside the mark of the delivery, as one Parquet file with its account. They are what a later run reads:
of a file that is still there, so that it is taken apart once, and of the vintages before it, whose bytes are nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.source import IstandaardReader, Source
from pipelines.deliveries.accounts import Delivery
from pipelines.deliveries.kept_rows import ERASED, FORMAT, ROWS, KeptRows, kept_rows_of, read_kept_rows, rows_of
from pipelines.deliveries.marks import keyed_mark
from pipelines.delivery_privacy import ScreenedDelivery, read_screened, shown_name
from pipelines.geography.regions import RegionLookup
from pipelines.privacy.pseudonym import EXPECTED_KEY, PseudonymKey, PseudonymKeyError, key_for
from pipelines.readers.account import Problem, ReadResult
from pipelines.readers.refusal import refused
from pipelines.retention.erased_persons import read_erased
from pipelines.settings import Settings
from pipelines.warehouse.raw_tables import reader_schema

_FORMAT: Final = FORMAT
_PSEUDONYMS: Final = ("person", "household")
_KEY_OF_A_MESSAGE: Final = ("message", "region_code", "provider_agb", "message_id")


def is_about_persons(source: Source) -> bool:
    """Whether the deliveries of a source are read under pseudonyms, which are then kept in place of their bytes."""
    return source.makes_pseudonyms


def screen_persons(
    name: str, data: bytes, source: Source, settings: Settings, store: SnapshotStore, lookup: RegionLookup
) -> ScreenedDelivery:
    """A delivery about persons as its rows were kept, else read now, with the rows to keep.

    Without a key it is refused (`no_pseudonym_key`): nothing of it may count, not even what was read with one before.
    """
    shown = shown_name(name)
    try:
        key = key_for(source, settings)
    except PseudonymKeyError as error:
        problem = Problem(shown, None, None, None, "no_pseudonym_key", error.found, EXPECTED_KEY)
        return ScreenedDelivery(shown, refused(reader_schema(source), (problem,), 1), may_keep_bytes=False)
    assert key is not None  # noqa: S101 - a source about persons has one, or there was an error
    erased = read_erased(settings)
    if (lost := erased.of_lost_key(key)) is not None:
        problem = Problem(shown, None, None, None, "other_pseudonym_key", *lost)
        return ScreenedDelivery(shown, refused(reader_schema(source), (problem,), 1), may_keep_bytes=False)
    made_before: str | None = None
    if (known := _known(source, shown, data, key, store)) is not None:
        kept = _kept_rows(source, known)
        if kept is not None and kept.person_key == key.fingerprint:
            rest = erased.left_out_of(kept, key)
            changed = {} if rest is kept else {ROWS: rest.as_bytes()}
            return ScreenedDelivery(shown, rest.result(), may_keep_bytes=False, in_place_of_bytes=changed)
        made_before = kept.person_key if kept is not None else None
    watchful = erased.watchful(key)
    screened = read_screened(name, data, source, lookup, watchful)
    if screened.result.refused:
        return screened
    made = kept_rows_of(screened.result, key.fingerprint, _FORMAT)
    if watchful.met:
        made = made.without(rows_of(made.rows, watchful.met), ERASED)
        screened = replace(screened, result=made.result())
    rows = {ROWS: made.as_bytes()}
    if made_before is not None:
        told = f"pseudonyms made anew with key {key.fingerprint}, before with {made_before}"
        result = replace(screened.result, notices=(*screened.result.notices, told))
        return replace(screened, result=result, in_place_of_bytes=rows)
    return replace(screened, in_place_of_bytes=rows)


def kept_vintage(
    source: Source, snapshot: Snapshot, settings: Settings, keep: Callable[[Mapping[str, bytes]], object]
) -> list[tuple[Snapshot, ReadResult]]:
    """A vintage as its rows were kept; nothing where there are none, as of one that was refused.

    Rows that were made with a key before the present one get the pseudonyms of the present one, which are given to
    `keep` in their place. Rows that were made with another key come back refused (`other_pseudonym_key`): the same
    person has another pseudonym in them. So does what an earlier release kept in another form.
    """
    if not is_about_persons(source) or not snapshot.in_place_of_bytes:
        return []
    try:
        key = key_for(source, settings)
    except PseudonymKeyError:
        return []
    kept = _kept_rows(source, snapshot)
    if kept is not None and key is not None and key.follows(kept.person_key):
        # Before they are renewed: the list calls a person by the key of the day of the erasure, or an earlier one.
        rest = read_erased(settings).left_out_of(kept, key)
        if rest.person_key != key.fingerprint:
            rest = _renewed(rest, key)
        if rest is not kept:
            keep({ROWS: rest.as_bytes()})
        return [(snapshot, rest.result())]
    made = "by an earlier release" if kept is None or key is None else f"with key {kept.person_key}"
    with_key = "" if key is None else f" with key {key.fingerprint}"
    problem = Problem(
        snapshot.name,
        None,
        None,
        None,
        "other_pseudonym_key",
        f"rows made {made}",
        f"rows made{with_key}: deliver the file again",
    )
    return [(snapshot, refused(reader_schema(source), (problem,), 1))]


def with_left_out(present: ReadResult, earlier: Sequence[tuple[Snapshot, ReadResult]]) -> ReadResult:
    """What is told of a delivery whose earlier vintages are left out, because their pseudonyms were made otherwise.

    A notice, while the present vintage counts; where it does not, and one of those would have, their problem.
    """
    left_out = [result for _, result in earlier if result.refused and _of_other_key(result)]
    if not left_out:
        return present
    if present.refused and all(result.refused for _, result in earlier):
        return replace(present, problems=(*present.problems, *left_out[-1].problems))
    told = f"{len(left_out)} earlier vintages left out: {left_out[-1].problems[0].found}"
    return replace(present, notices=(*present.notices, told))


def without_repeated_messages(source: Source, deliveries: list[Delivery]) -> list[Delivery]:
    """The deliveries, with every message refused whose identification another file of the source has already.

    A sender gives an identification to one message of a kind; whoever receives it a second time rejects the second.
    What came first counts.
    """
    if not isinstance(source.reader, IstandaardReader):
        return deliveries
    first: dict[tuple[str | None, ...], Delivery] = {}
    repeats: dict[int, str] = {}
    in_order = sorted(enumerate(deliveries), key=lambda pair: (pair[1].snapshot.fetched_at, pair[1].file))
    for place, delivery in in_order:
        if not delivery.is_current or delivery.result.rows.num_rows == 0:
            continue
        row = delivery.result.rows.select(_KEY_OF_A_MESSAGE).slice(0, 1).to_pylist()[0]
        before = first.setdefault(tuple(row.values()), delivery)
        if before.file != delivery.file:
            repeats[place] = before.file
    return [
        _refused_as_repeat(source, delivery, repeats[place]) if place in repeats else delivery
        for place, delivery in enumerate(deliveries)
    ]


def _refused_as_repeat(source: Source, delivery: Delivery, other: str) -> Delivery:
    found = f"a message with the identification of {other}"
    problem = Problem(
        delivery.file, None, None, "Identificatie", "duplicate_key", found, "an identification of its own"
    )
    told = (*delivery.result.problems, problem)
    return replace(delivery, result=refused(reader_schema(source), told, delivery.result.rows_in), is_current=False)


def _renewed(kept: KeptRows, key: PseudonymKey) -> KeptRows:
    """The rows with the pseudonyms of a later key."""
    rows = renewed_pseudonyms(kept.rows, kept.person_key, key)
    fingerprints = pa.repeat(pa.scalar(key.fingerprint, rows.schema.field("person_key").type), rows.num_rows)
    rows = rows.set_column(rows.column_names.index("person_key"), rows.schema.field("person_key"), fingerprints)
    return KeptRows(rows, key.fingerprint, {**kept.account, "person_key": key.fingerprint})


def renewed_pseudonyms(rows: pa.Table, fingerprint: str, key: PseudonymKey) -> pa.Table:
    """The rows with the persons and households as a later key calls them; `person_key` stays as it is."""
    for name in _PSEUDONYMS:
        if name in rows.column_names:
            known = rows[name].combine_chunks().dictionary_encode()
            # a pseudonym is hashed once, however many rows it stands in
            later = [None if text is None else key.renewed(text, fingerprint) for text in known.dictionary.to_pylist()]
            column = pa.array(later, known.type.value_type).take(known.indices)
            rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), column)
    return rows


def _of_other_key(result: ReadResult) -> bool:
    return any(problem.reason == "other_pseudonym_key" for problem in result.problems)


def _known(source: Source, name: str, data: bytes, key: PseudonymKey, store: SnapshotStore) -> Snapshot | None:
    """The snapshot of these bytes, where rows of them are kept."""
    mark = keyed_mark(key, data)
    return next(
        (
            snapshot
            for snapshot in store.list(source.source_id, name)
            if snapshot.checksum == mark.digits and snapshot.in_place_of_bytes
        ),
        None,
    )


def _kept_rows(source: Source, snapshot: Snapshot) -> KeptRows | None:
    """The rows that are kept of a vintage; None where their form is another now."""
    kept = read_kept_rows(snapshot.read_in_place_of_bytes()[ROWS])
    if kept.format != _FORMAT or not kept.rows.schema.equals(reader_schema(source)):
        return None
    return kept if pc.unique(kept.rows["person_key"]).to_pylist() in ([], [kept.person_key]) else None
