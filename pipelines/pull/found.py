"""A table that a service was found to have, and one page of its observations.

What belongs here: what the two versions of the service have in common once their differences are dealt with. What
does not: those differences (`v4`, `v3`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipelines.connectors.http import CbsClient, SourceError


class PullError(Exception):
    """A table cannot be pulled; `exit_code` is that of the command."""

    def __init__(self, text: str, exit_code: int = 3) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Block:
    """Observations that follow one another: of one measure, or each of its own.

    `measure` and `attributes` are one text for all, or dictionary-encoded; `texts` is None where none has a text.
    """

    measure: str | pa.DictionaryArray
    values: pa.Array
    attributes: str | pa.DictionaryArray
    texts: pa.Array | None


@dataclass(frozen=True)
class Page:
    """One page: the codes of each dimension (dictionary-encoded), which hold for the rows of every block.

    `ids` are the publisher's numbers of its rows; `sign` is what the page is recognised by, should it come again.
    `stand_ins` is how many numbers were taken for missing figures.
    """

    codes: Mapping[str, pa.DictionaryArray]
    blocks: tuple[Block, ...]
    ids: pa.Array | None
    sign: Hashable
    stand_ins: int = 0

    @property
    def observations(self) -> int:
        return sum(len(block.values) for block in self.blocks)


@dataclass(frozen=True)
class FoundTable:
    """A table as a service describes it, and how its observations are asked for.

    `queries` are those of the first pages: most tables come in one row of pages. `always` is an option of every
    request. `statuses` are those of the periods, by trimmed code. `announced` is the number of observations that the
    whole table has, where the publisher tells. `read` makes a page of bytes, and raises ValueError where it cannot;
    `check_unchanged` raises SourceError for a table that was published anew.
    """

    table: str
    service: str
    client: CbsClient
    resource: str
    queries: tuple[str, ...]
    always: str
    dimensions: tuple[str, ...]
    period: str | None
    statuses: Mapping[str, str | None]
    vintage: str | None
    announced: int | None
    notices: tuple[str, ...]
    read: Callable[[bytes], Page]
    check_unchanged: Callable[[], None]

    @property
    def url(self) -> str:
        return self.client.url(self.table, self.resource, self.queries[0] if len(self.queries) == 1 else "")


def published_anew(table: str, resource: str, before: object, after: object) -> SourceError:
    """The error for a table that changed between its first page and its last."""
    cause = f"the table was published anew while it was being fetched ({before}, then {after}); pull it again"
    return SourceError(table, resource, cause)


def page_sign(ids: pa.Array | None, rows: int, payload: bytes) -> Hashable:
    """What a page is recognised by: how many rows it has, and the numbers of the first and the last of them."""
    if not rows:
        return 0
    if ids is None or ids[0].as_py() is None:
        import hashlib

        return hashlib.sha256(payload.partition(b'odata.nextLink"')[0]).digest()
    return (rows, ids[0].as_py(), ids[-1].as_py())
