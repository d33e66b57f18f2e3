"""The memory of the steps: from which inputs each was made last, and what it told of itself.

What belongs here: recalling and remembering. What does not: what the inputs of a step are (`made_of`).
The memory stands in the warehouse, in `built.step`, so that it goes where the tables go.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipelines.reuse.contents import prepare

if TYPE_CHECKING:
    import duckdb


def recall(connection: duckdb.DuckDBPyConnection, step: str, inputs: str) -> dict[str, Any] | None:
    """What the step told of itself when it was made from these inputs; None where it has to be made.

    In that case it is forgotten until it is remembered, so that one that is broken off is made again.
    """
    prepare(connection)
    found = connection.execute("select inputs, told from built.step where step = ?", [step]).fetchall()
    if found and found[0][0] == inputs:
        told: dict[str, Any] = json.loads(found[0][1])
        return told
    connection.execute("delete from built.step where step = ?", [step])
    return None


def remember(connection: duckdb.DuckDBPyConnection, step: str, inputs: str, told: dict[str, Any]) -> None:
    """The step was made from these inputs, whole; `told` is plain values."""
    prepare(connection)
    connection.execute("begin")
    connection.execute("delete from built.step where step = ?", [step])
    connection.execute("insert into built.step values (?, ?, ?)", [step, inputs, json.dumps(told, default=str)])
    connection.execute("commit")
