"""Which tables of CBS a fetch would bring anew: asked of the publisher without fetching anything.

What belongs here: asking what every declared table says of itself, within a time that a caller has. What does not: what
makes a table another one (`cbs_vintages`), and what is done about it (`defs.sensors`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import CbsV3Connector, CbsV4Connector, Source
from pipelines.settings import Settings

_SILENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Polled:
    """What came of asking. `changed`: by source and table, what the publisher now calls its version.

    `failed`: by address or by source, why the publisher gave no answer; the tables there are not among the changed, nor
    known not to be. `not_asked` is the source at which the time was up; asking goes on there.
    """

    changed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    not_asked: str | None = None


def poll_changes(sources: Iterable[Source], settings: Settings, seconds: float) -> Polled:
    """Ask for every table of the sources whether it is one that is kept, for at most about so many seconds.

    A publisher who does not answer is asked for no other table, one who refuses a table for no other of its source; the
    rest goes on. Raises SetupError for an address that is none.
    """
    from pipelines.connectors.http import RetryPolicy, SourceError, open_client
    from pipelines.connectors.outage import is_outage
    from pipelines.deliveries.cbs_vintages import address_of, changed_tables

    ends_at = time.monotonic() + seconds
    quick = RetryPolicy(attempts=2, wait_initial=0.5, wait_max=1.0, wait_jitter=0.5, longest_asked_wait=2.0)
    store = SnapshotStore(settings.snapshots_dir)
    changed: dict[str, dict[str, str]] = {}
    failed: dict[str, str] = {}
    for source in sources:
        connector = source.connector
        if not isinstance(connector, CbsV4Connector | CbsV3Connector):
            continue
        address = address_of(connector, settings)
        if address in failed:
            continue
        if time.monotonic() > ends_at:
            return Polled(changed, failed, source.source_id)
        try:
            with open_client(address, retry=quick, timeout_seconds=_SILENCE_SECONDS) as client:
                found = dict(changed_tables(source, store, client))
        except SourceError as error:
            failed[address if is_outage(error) else source.source_id] = str(error)
        else:
            changed |= {source.source_id: found} if found else {}
    return Polled(changed, failed)
