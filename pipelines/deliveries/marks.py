"""What a delivery is told from others by when its checksum would tell too much, so that the same file is one vintage.

What belongs here: making such a mark, and making it anew for what is kept. What does not: keeping it
(`connectors.snapshot`), and what is kept beside it (`persons`, `delivery_privacy`).

A checksum would do, but that anybody who knows a file but for a number or a name in it could try all there are until
the checksum comes out. A delivery that is read under pseudonyms is therefore marked with the HMAC of its checksum under
their key, which is hashed again when another key follows. Any other is marked by what is kept and told of it instead of
its bytes, and by nothing else that stood in it.

Of a delivery with counts that are hidden the bytes are kept, and beside them their checksum, by which they are checked.
Outside that folder it is called by the HMAC of the checksum under the key of the installation, which lies there too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Final

import pyarrow as pa

from pipelines.connectors.snapshot import Mark, Snapshot, SnapshotStore
from pipelines.declarations.source import Source
from pipelines.deliveries.told import as_told
from pipelines.delivery_privacy import ScreenedDelivery
from pipelines.privacy.pseudonym import PseudonymKey, PseudonymKeyError, key_for
from pipelines.settings import Settings

_DIGITS: Final = 32


def mark_of(source: Source, settings: Settings, data: bytes, screened: ScreenedDelivery) -> Mark:
    """The mark of a delivery that was read and whose bytes may not be kept."""
    key = _key(source, settings)
    if key is not None:
        return keyed_mark(key, data)
    return _mark_of_told(screened.in_place_of_bytes, _told(source, screened))


def keyed_mark(key: PseudonymKey, data: bytes) -> Mark:
    """The mark of these bytes under a key."""
    return Mark(key.delivery(hashlib.sha256(data).hexdigest()), key.fingerprint)


def as_called(source: Source, store: SnapshotStore, snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Snapshots as they are called outside the folder where they are kept: of hidden counts not by their checksum."""
    if not snapshots or not source.hides_counts:
        return list(snapshots)
    key = store.key()
    return [
        replace(one, called=Mark(hmac.new(key, one.checksum.encode(), hashlib.sha256).hexdigest()[:_DIGITS]))
        for one in snapshots
    ]


def renew_marks(source: Source, settings: Settings, store: SnapshotStore) -> None:
    """Give what is kept of a source the marks of the present key, and marks where an earlier release told checksums.

    Without a key, what needs one stays as it is, and is read by nobody. So do the marks of a key that the present one
    does not follow.
    """
    key = _key(source, settings)
    for snapshot in store.list(source.source_id):
        if snapshot.has_bytes:
            continue
        if snapshot.tells_checksum:
            if key is not None:
                store.put_mark(snapshot, Mark(key.delivery(snapshot.checksum), key.fingerprint))
            elif not source.makes_pseudonyms:
                store.put_mark(snapshot, _mark_of_told(snapshot.read_in_place_of_bytes(), b""))
        elif key is not None and _is_of_earlier(snapshot, key):
            assert snapshot.mark_key is not None  # noqa: S101 - for the type checker
            store.put_mark(snapshot, Mark(key.renewed(snapshot.checksum, snapshot.mark_key), key.fingerprint))


def _is_of_earlier(snapshot: Snapshot, key: PseudonymKey) -> bool:
    made_with = snapshot.mark_key
    return made_with is not None and made_with != key.fingerprint and key.follows(made_with)


def _key(source: Source, settings: Settings) -> PseudonymKey | None:
    """The key of a source that has one; without it nothing of the source is read."""
    try:
        return key_for(source, settings)
    except PseudonymKeyError:
        return None


def _mark_of_told(kept: Mapping[str, bytes], told: bytes) -> Mark:
    """A mark of the files that are kept in place of the bytes, or where there are none of what is told."""
    digest = hashlib.sha256()
    for name in sorted(kept):
        digest.update(hashlib.sha256(kept[name]).digest())
    if not kept:
        digest.update(told)
    return Mark(digest.hexdigest()[:_DIGITS])


def _told(source: Source, screened: ScreenedDelivery) -> bytes:
    """The account of a delivery and its rows, all of which the warehouse holds."""
    result = screened.result
    account = [
        result.rows_in,
        result.rows_quarantined,
        [asdict(as_told(source, problem)) for problem in result.problems],
    ]
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, result.rows.schema) as writer:
        writer.write_table(result.rows.combine_chunks())
    told: bytes = json.dumps(account, ensure_ascii=False).encode() + stream.getvalue().to_pybytes()
    return told
