"""What a materialisation tells beside its rows: which vintage, which bytes, and a few rows to look at.

What belongs here: metadata made of what a step has at hand. What does not: counting and loading (`raw`, `models`), and
whether something may be told at all, which the deliveries and the settings say.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.publish.publication import UNPUBLISHED

if TYPE_CHECKING:
    import duckdb

    from pipelines.publish.publication import Publication

PREVIEW_ROWS = 5


def delivery_metadata(loaded: Any) -> dict[str, Any]:
    """Of a `SourceLoad`: the newest day of its vintages that count, and the checksum of each.

    The accounts leave out the checksum of what may not be guessed at; so does this.
    """
    current = [row for row in loaded.accounts["delivery"].to_pylist() if row["is_current"]]
    days = [row["vintage_date"] for row in current if row["vintage_date"]]
    told: dict[str, Any] = {"vintage_date": str(max(days))} if days else {}
    checksums = {row["vintage_id"]: row["checksum_sha256"] for row in current if row["checksum_sha256"]}
    return {**told, "checksums_sha256": checksums} if checksums else told


def table_metadata(connection: "duckdb.DuckDBPyConnection", key: dg.AssetKey) -> dict[str, Any]:
    """Of a mart: its first rows. Of nothing else, because what stands before the marts may be about few people."""
    schema, table = key.path
    if schema != "marts" or table in UNPUBLISHED:
        return {}
    from pipelines.defs.raw import preview_table

    rows = connection.execute(f'select * from marts."{table}" limit {PREVIEW_ROWS}').to_arrow_table().to_pylist()
    return {"preview": dg.MetadataValue.md(preview_table(rows))}


def publication_metadata(publication: "Publication") -> Mapping[str, Any]:
    """Of the published set: its name, the checksum of every file, and the vintages that it was made of."""
    return {
        "publication_id": publication.publication_id,
        "checksums_sha256": publication.checksums,
        "vintages": [vintage["vintage_id"] for vintage in publication.vintages],
    }
