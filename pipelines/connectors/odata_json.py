"""Answers of OData as JSON: the object that each of them is, and the list that most of them hold.

What belongs here: what is the same in both versions of the service. What does not: asking for an answer (`http`),
going from page to page (`paging`), and pages of figures, which are too large to be read so (`readers.odata_rows`).
"""

from __future__ import annotations

import json
from typing import Any

from pipelines.connectors.http import IncompleteAnswerError, UnexpectedAnswerError


def object_in(payload: bytes) -> dict[str, Any]:
    """The object that an answer is. Raises IncompleteAnswerError, and UnexpectedAnswerError for other documents."""
    try:
        document = json.loads(payload.decode("utf-8-sig"))
    except ValueError as error:
        raise IncompleteAnswerError(str(error)) from error
    if not isinstance(document, dict):
        raise UnexpectedAnswerError(f"found a JSON {type(document).__name__}, expected an object")
    return document


def list_in(payload: bytes) -> tuple[list[dict[str, Any]], object | None]:
    """The entries of a list, and its link to the next page; None where it has none. Raises as `object_in` does."""
    document = object_in(payload)
    values = document.get("value")
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise UnexpectedAnswerError("found no list named 'value', expected one of objects")
    # The link is called so in v4 and in v3.
    return values, document.get("@odata.nextLink", document.get("odata.nextLink"))


def check_table(identifier: object, table: str) -> None:
    """Raises UnexpectedAnswerError where properties are those of another table; they may leave out whose they are."""
    if identifier is not None and str(identifier).strip() != table:
        raise UnexpectedAnswerError(f"found the properties of table {identifier!r}, expected those of {table!r}")
