"""The pages of a table one after the other, the next ones on their way while one is looked at.

What belongs here: the order of requests, and what makes a row of pages a whole. What does not: what stands on a page.

The link to the next page is found without parsing the page, so that the publisher is asked for it at once; parsing
goes on beside that. No more than a few pages are held at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.connectors.http import SourceError, unreadable
from pipelines.connectors.paging import PageTrail
from pipelines.pull.found import FoundTable, Page
from pipelines.readers.odata_rows import next_link

_AT_WORK: Final = 2
_HELD: Final = 2


def pages_of(found: FoundTable) -> Iterator[Page]:
    """Every page of a table, in order.

    Raises ResourceNotFound where the service does not give its observations, and SourceError for what else goes
    wrong: a page that repeats, a link that loops or leads elsewhere, columns that changed.
    """
    known = _KnownRows()
    with ThreadPoolExecutor(_AT_WORK, thread_name_prefix="pages") as pool:
        for query in found.queries:
            yield from _Chain(found, pool, query, known).pages()


class _Chain:
    """The pages that lead from one to the next."""

    def __init__(self, found: FoundTable, pool: ThreadPoolExecutor, query: str, known: _KnownRows) -> None:
        self._found, self._pool, self._known = found, pool, known
        self._trail = PageTrail(found.table, found.resource, query, found.always)
        self._room = threading.Semaphore(_HELD)
        self._coming: SimpleQueue[Future[tuple[Page, bool]]] = SimpleQueue()
        self._asked_for = 0
        self._over = False
        self._ask(1, query)

    def pages(self) -> Iterator[Page]:
        number = 0
        is_last = False
        try:
            while not is_last:
                page, is_last = self._coming.get().result()
                number += 1
                self._trail.saw(number, page.sign)
                if (again := self._known.add(page.ids)) is not None:
                    cause = f"row {again} came a second time"
                    raise SourceError(self._found.table, self._found.resource, cause, number)
                yield page
                self._room.release()
        finally:
            self._over = True
            self._room.release()

    def _ask(self, number: int, query: str) -> None:
        self._asked_for = number
        self._coming.put(self._pool.submit(self._fetch, number, query))

    def _fetch(self, number: int, query: str) -> tuple[Page, bool]:
        self._room.acquire()
        if self._over:
            self._room.release()
            raise SourceError(self._found.table, self._found.resource, "no longer wanted", number)
        found = self._found
        is_last = True

        def read(payload: bytes) -> Page:
            nonlocal is_last
            try:
                link = next_link(payload)
                # A page that has to be asked for again leads to the same next page, which is on its way already.
                if link is not None and self._asked_for == number:
                    self._ask(number + 1, self._trail.next_query(number, link))
                is_last = link is None
                return found.read(payload)
            except ValueError as error:
                raise unreadable(error, payload) from error

        _, page = found.client.get(found.table, found.resource, read, query, number)
        return page, is_last


class _KnownRows:
    """The numbers of the rows so far. Only those of pages on which they follow one another are remembered."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []

    def add(self, ids: pa.Array | None) -> int | None:
        """Remember the rows of a page; the first of them that is known to have come before."""
        if ids is None or not len(ids):
            return None
        ends = pc.min_max(ids)
        first, last = ends["min"].as_py(), ends["max"].as_py()
        if first is None:
            return None
        is_row = last - first + 1 == len(ids)
        for low, high in self._spans:
            if first > high or last < low:
                continue
            if is_row:
                return max(first, low)
            inside = ids.filter(pc.and_(pc.greater_equal(ids, low), pc.less_equal(ids, high)))
            if len(inside):
                return int(inside[0].as_py())
        if is_row:
            if self._spans and self._spans[-1][1] + 1 == first:
                first = self._spans.pop()[0]
            self._spans.append((first, last))
        return None
