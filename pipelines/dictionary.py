"""Writes the data dictionary from the models themselves, so that it cannot say anything else than they do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pipelines.warehouse.transform import ensure_manifest

_HEAD = """# Data dictionary

Generated from the models by `make docs`; do not edit by hand. The tables stand in schema `marts` of
`data/published/nulmeting.duckdb`, and as Parquet in `data/published/parquet/`. In DuckDB the same descriptions can
be read with `from duckdb_columns()`.

What stood in `observation` on an earlier day is a question to the file itself, with what was withdrawn since:
`select * from marts.observation_as_of(date '2017-07-01')`. All tables of that day: `nulmeting run --as-of 2017-07-01`.
"""


def render() -> str:
    """The dictionary of the public tables as Markdown."""
    nodes = json.loads(ensure_manifest().read_text(encoding="utf-8"))["nodes"].values()
    marts = sorted(
        (node for node in nodes if node["resource_type"] == "model" and node["schema"] == "marts"),
        key=lambda node: str(node["name"]),
    )
    return _HEAD + "".join(_table(node) for node in marts)


def _table(node: dict[str, Any]) -> str:
    rows = "".join(
        f"| {column['name']} | {column['data_type']} | {_cell(column['description'])} |\n"
        for column in node["columns"].values()
    )
    return f"\n## {node['name']}\n\n{node['description'].strip()}\n\n| column | type | meaning |\n|---|---|---|\n{rows}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
