"""Following the pages of a list without being led astray.

What belongs here: whether a page came before, and whether a next-page link leads on. What does not: asking (`http`),
and what stands on a page (`readers`).
"""

from __future__ import annotations

from collections.abc import Hashable
from urllib.parse import parse_qsl

from pipelines.connectors.http import SourceError, UnexpectedAnswerError, next_page_query


class PageTrail:
    """The pages of one list so far: how each was asked for, and by what it is recognised."""

    def __init__(self, table: str, resource: str, query: str = "", always: str = "") -> None:
        """`query` is that of page 1; `always` is an option that every page is asked with (`$format=json`)."""
        self._table, self._resource, self._always = table, resource, always
        self._asked = {_comparable(query): 1}
        self._seen: dict[Hashable, int] = {}

    def saw(self, page: int, sign: Hashable) -> None:
        """A page came that is recognised by `sign`. Raises SourceError where another page had the same."""
        if sign in self._seen:
            raise self._error(f"the rows of page {self._seen[sign]} came again", page)
        self._seen[sign] = page

    def next_query(self, page: int, link: object) -> str:
        """With what to ask for the page that a page links to.

        Raises SourceError for a link that is none, that leads to another table or list, or back to an earlier page.
        """
        try:
            query = next_page_query(link, self._table, self._resource)
        except UnexpectedAnswerError as error:
            raise self._error(str(error), page) from error
        if self._always and _comparable(self._always)[0] not in _comparable(query):
            query = f"{self._always}&{query}" if query else self._always
        back = self._asked.setdefault(_comparable(query), page + 1)
        if back != page + 1:
            raise self._error(f"the next-page link loops back to page {back}", page)
        return query

    def _error(self, cause: str, page: int) -> SourceError:
        return SourceError(self._table, self._resource, cause, page)


def _comparable(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(parse_qsl(query, keep_blank_values=True)))
