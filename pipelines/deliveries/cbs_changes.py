"""Which tables of CBS a fetch would bring anew: asked of the publisher without fetching anything.

What belongs here: asking what every declared table says of itself, within a time that a caller has. What does not: what
makes a table another one (`cbs_vintages`), and what is done about it (`defs.sensors`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import CbsV3Connector, CbsV4Connector, Source
from pipelines.settings import Settings

_SILENCE_SECONDS = 10.0
# Tables that are asked for side by side; each client lets no more requests out at once than is polite.
_TOGETHER = 6


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

    A few are asked for side by side. A publisher who does not answer is asked for nothing after those, one who
    refuses a table for no other of its source; the rest goes on. Raises SetupError for an address that is none.
    """
    from pipelines.connectors.http import CbsClient, RetryPolicy, SourceError, open_client
    from pipelines.connectors.outage import is_outage
    from pipelines.deliveries.cbs_vintages import address_of, changed_tables

    ends_at = time.monotonic() + seconds
    quick = RetryPolicy(attempts=2, wait_initial=0.5, wait_max=1.0, wait_jitter=0.5, longest_asked_wait=2.0)
    store = SnapshotStore(settings.snapshots_dir)
    changed: dict[str, dict[str, str]] = {}
    failed: dict[str, str] = {}
    clients: dict[str, CbsClient] = {}

    def ask(source: Source, address: str) -> dict[str, str] | SourceError:
        try:
            return dict(changed_tables(source, store, clients[address]))
        except SourceError as error:
            return error

    with contextlib.ExitStack() as opened, ThreadPoolExecutor(_TOGETHER) as threads:
        waiting = [
            (source, address_of(source.connector, settings))
            for source in sources
            if isinstance(source.connector, CbsV4Connector | CbsV3Connector)
        ]
        for start in range(0, len(waiting), _TOGETHER):
            some = [
                (source, address) for source, address in waiting[start : start + _TOGETHER] if address not in failed
            ]
            if some and time.monotonic() > ends_at:
                return Polled(changed, failed, some[0][0].source_id)
            for _, address in some:
                if address not in clients:
                    client = open_client(address, retry=quick, timeout_seconds=_SILENCE_SECONDS)
                    clients[address] = opened.enter_context(client)
            for (source, address), found in zip(some, threads.map(lambda one: ask(*one), some), strict=True):
                if isinstance(found, SourceError):
                    failed[address if is_outage(found) else source.source_id] = str(found)
                elif found:
                    changed[source.source_id] = found
    return Polled(changed, failed)
