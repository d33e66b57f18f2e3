"""Tables of CBS OData v3 to be pulled: every topic of every row is an observation.

What belongs here: what must be known of such a table, and its pages. What does not: on which service it stands
(`connectors.cbs_v3_table`), and what its columns and cells mean (`readers.cbs_wide`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipelines.connectors.cbs_v3_table import AS_JSON, OfferedTable, fetch_table_info, find_table
from pipelines.connectors.http import CbsClient
from pipelines.pull.found import Block, FoundTable, Page, page_sign, published_anew
from pipelines.readers.cbs_wide import PRESENT, Figures, WideReader

SERVICE: Final = "CBS OData v3"


def find_v3(client: CbsClient, table: str, declared: str | None) -> Iterator[FoundTable]:
    """A table of the host that `client` is for, at every place where its figures may stand, likely ones first.

    It is to be looked for at the next place where its figures are not found (404) at one. Raises TableNotFound for an
    unknown id, and SourceError for all else.
    """
    for offered in find_table(client, table, _let_go):
        yield _found(client, offered, declared)


def _found(client: CbsClient, offered: OfferedTable, declared: str | None) -> FoundTable:
    columns = offered.columns
    written, unknown = (None, ()) if declared is None else offered.padded(declared, _let_go)
    entries = [] if columns.period is None else offered.code_list(columns.period, _let_go)
    wide = WideReader(columns, columns, untyped=offered.is_untyped)

    def check_unchanged() -> None:
        if offered.info.modified_at is None:
            return
        _, after = fetch_table_info(client, offered.table)
        if after != offered.info:
            before = f"changed {offered.info.modified_at}"
            raise published_anew(offered.table, "TableInfos", before, after.modified_at)

    return FoundTable(
        table=offered.table,
        service=SERVICE,
        client=offered.client,
        resource=offered.data_set,
        queries=tuple(offered.query(part) for part in offered.parts(written, _let_go)),
        always=AS_JSON,
        dimensions=columns.dimensions,
        period=columns.period,
        statuses={
            str(entry.get("Key") or "").strip(): str(entry.get("Status") or "").strip() or None for entry in entries
        },
        vintage=offered.info.version,
        announced=None,
        notices=tuple(f"no code of the table is meant by {term}" for term in unknown),
        read=lambda payload: _page(wide, payload),
        check_unchanged=check_unchanged,
    )


def _page(wide: WideReader, payload: bytes) -> Page:
    found = wide.read(payload)
    for name, codes in found.codes.items():
        if codes.null_count:
            raise ValueError(f"the columns changed: found a row without {name}")
    blocks = tuple(_block(key, figures) for key, figures in found.figures.items())
    stand_ins = sum(figures.stand_ins for figures in found.figures.values())
    return Page(found.codes, blocks, found.ids, page_sign(found.ids, found.rows, payload), stand_ins)


def _block(key: str, figures: Figures) -> Block:
    attributes = PRESENT if figures.attributes is None else figures.attributes
    return Block(key, figures.values, attributes, figures.texts)


def _let_go(resource: str, page: int, payload: bytes) -> None:
    """The exact bytes are not kept."""
