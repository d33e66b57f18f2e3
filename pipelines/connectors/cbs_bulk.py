"""Fetching a CBS table as the one zip of CSV files that the publisher offers of it.

What belongs here: where that file stands, bringing it in, and deciding whether it is whole. What does not: downloads
that break (`http`, `partial_file`), and what is in the file (`readers.cbs_bulk`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa

from pipelines.connectors.cbs_v4 import FetchedFile, FetchedTable, TableProperties, table_properties
from pipelines.connectors.http import CbsClient, ResourceNotFound, SourceError, UnexpectedAnswerError, html_page
from pipelines.connectors.partial_file import PartialFile
from pipelines.connectors.seen_ids import SeenIds
from pipelines.readers.cbs_bulk import OBSERVATIONS, UNREADABLE, observation_batches, open_archive, properties_of
from pipelines.readers.refusal import RefusedFileError

LARGEST_FILE = 4 * 1024**3
"""Bytes of a zip file."""

_CHUNK = 1024 * 1024


class NoBulkFile(ResourceNotFound):
    """The publisher offers no bulk file of the table."""


def bulk_url(cbs_v4_url: str) -> str:
    """Where the bulk files stand on the host of the OData service: `https://datasets.cbs.nl/csv/CBS/nl`."""
    parts = urlsplit(cbs_v4_url)
    return f"{parts.scheme}://{parts.netloc}/csv/CBS/nl"


def fetch_bulk(client: CbsClient, table: str, into: Path) -> FetchedTable:
    """Fetch the whole of a table into the empty or absent folder `into`, as `<table>.zip`.

    `client` is open on the folder of the bulk files (`bulk_url`). The properties are those that the file itself
    holds, which may be of a version before the one that OData announces. Raises NoBulkFile for a table without such
    a file, and SourceError for one that did not come whole: damaged, larger than a file may be, another number of
    observations than it announces, an observation that stands in it twice, or no such file at all.
    """
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise ValueError(f"expected an empty folder to fetch into, found files in {into}")
    fetched_at = dt.datetime.now(dt.UTC)
    partial = PartialFile(into / f"{table}.zip", LARGEST_FILE)
    try:
        client.download(table, partial)
    except ResourceNotFound as error:
        raise NoBulkFile(table, "bulk file", error.cause, status=error.status) from error
    except SourceError as error:
        raise SourceError(table, "bulk file", error.cause, status=error.status) from error
    path = partial.path
    with path.open("rb") as file:
        if page := html_page(file.read(4096)):
            raise SourceError(table, "bulk file", f"found {page}, expected a zip file")
    try:
        properties, rows = _examined(path, table)
    except (RefusedFileError, UnexpectedAnswerError, *UNREADABLE) as error:
        raise SourceError(table, "bulk file", str(error)) from error
    if properties.observation_count not in (None, rows):
        announced = properties.observation_count
        raise SourceError(table, "bulk file", f"found {rows} observations, expected the {announced} that it announces")
    return FetchedTable(
        table=table,
        url=f"{client.base_url}/{table}",
        filter=None,
        properties=properties,
        files=(FetchedFile(path.name, path, path.stat().st_size, _sha256(path)),),
        rows=rows,
        pages=1,
        fetched_at=fetched_at,
    )


def _examined(path: Path, table: str) -> tuple[TableProperties, int]:
    """What the file says of the table, and the number of its observations. Every byte of it is read and checked."""
    with open_archive(str(path), table) as archive:
        properties = table_properties(table, properties_of(archive, table))
        seen, rows = SeenIds(), 0
        for batch in observation_batches(archive, table, ["Id"]):
            ids = batch["Id"].cast(pa.string()).drop_null().cast(pa.int64())
            if (again := seen.add(np.asarray(ids))) is not None:
                raise UnexpectedAnswerError(f"observation {again} stands in {OBSERVATIONS} twice")
            rows += batch.num_rows
        for entry in archive.infolist():
            with archive.open(entry) as stream:
                # Its checksum is compared when its last byte is read.
                while stream.read(_CHUNK):
                    pass
    return properties, rows


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
