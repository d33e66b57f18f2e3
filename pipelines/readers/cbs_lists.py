"""The lists that explain the observations of a CBS table: its dimensions, measures, groups and codes.

What belongs here: the fields of such a list, and reading one from OData answers. What does not: what is done with
them (`cbs_v4`, `cbs_measures`), and the lists of a bulk file (`cbs_bulk`), which have the same fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.readers.account import Problem
from pipelines.readers.refusal import RefusedFileError

# The fields of all lists together. `Id` is the identifier of a group, `Identifier` that of everything else.
LIST = pa.schema(
    [
        ("Id", pa.string()),
        ("Identifier", pa.string()),
        ("Title", pa.string()),
        ("Description", pa.string()),
        ("Unit", pa.string()),
        ("Status", pa.string()),
        ("MeasureGroupId", pa.string()),
        ("ContainsCodes", pa.bool_()),
    ]
)
_TRIMMED = ("Id", "Identifier", "Title", "Unit", "Status", "MeasureGroupId")


def page_names(names: Collection[str], resource: str) -> list[str]:
    """The files that hold a resource, in the order in which they came."""
    found = (name for name in names if re.fullmatch(rf"{re.escape(resource)}(-[0-9-]+)?\.json", name))
    return sorted(found, key=lambda name: (name != f"{resource}.json", name))


def odata_list(files: Mapping[str, bytes], resource: str, table: str) -> pa.Table:
    """A list (LIST), all pages of it, with its short texts trimmed. Raises RefusedFileError."""
    names = page_names(files, resource)
    if not names:
        raise refusal(table, None, "unknown_format", f"no {resource}.json", f"the table's {resource}")
    values: list[Any] = []
    for name in names:
        try:
            values += json.loads(files[name].decode("utf-8-sig"))["value"]
        except (ValueError, KeyError, TypeError) as error:
            raise refusal(f"{table}/{name}", None, "unknown_format", repr(error), "a list of codes as JSON") from error
    return list_of(values, f"{table}/{names[0]}")


def list_of(values: Sequence[Any], file: str) -> pa.Table:
    """Entries as a list (LIST) with its short texts trimmed. Raises RefusedFileError naming `file`."""
    try:
        entries = pa.Table.from_pylist(list(values), schema=LIST)
    except (pa.ArrowException, TypeError, AttributeError) as error:
        raise refusal(file, None, "unknown_format", repr(error), "texts for codes and titles") from error
    return trimmed(entries)


def trimmed(entries: pa.Table) -> pa.Table:
    """A list without the padding of its short texts; descriptions stay as they were written."""
    for column in _TRIMMED:
        position = entries.schema.get_field_index(column)
        entries = entries.set_column(position, LIST.field(column), pc.utf8_trim_whitespace(entries[column]))
    return entries


def refusal(file: str, column_name: str | None, reason: str, found: str, expected: str) -> RefusedFileError:
    """The refusal of a whole table, for one reason."""
    return RefusedFileError(Problem(file, None, None, column_name, reason, found, expected))
