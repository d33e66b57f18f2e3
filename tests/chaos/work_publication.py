"""Publishing what the warehouse holds: one DuckDB file, Parquet and a manifest, swapped in as one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pandas as pd  # noqa: F401 - DuckDB would import it in every child

from pipelines.publish.publication import current, publish, verify
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect

_FIRST_EVERY = 8
_ROWS = 500


class PublicationWork:
    """Every round has another figure in all rows; every eighth is the first publication of its data directory."""

    def __init__(self, folder: Path) -> None:
        """Nothing is shared between the homes."""

    def kind(self, number: int) -> str:
        return "first" if number % _FIRST_EVERY == 0 else "swap"

    def prepare(self, home: Path, number: int) -> None:
        settings = _settings(home)
        if self.kind(number) == "first":
            shutil.rmtree(settings.published_path.parent, ignore_errors=True)
        with connect(settings.warehouse_path) as connection:
            connection.execute(
                f"create or replace table marts.observation as select {number}::bigint as value, 'i' as indicator_id, "
                "'r' || range as region_code, '2020' as period_code, 'a' as source_id, 'a/b/c' as vintage_id, "
                f"date '2026-01-01' as vintage_date, 'A' as obs_status, true as is_latest from range({_ROWS})"
            )
            connection.execute("comment on column marts.observation.value is 'The figure'")
            connection.execute(
                "create or replace table marts.delivery as select 'a/b/c' as vintage_id, 'a' as source_id, "
                "'b' as file, date '2026-01-01' as vintage_date, timestamp '2026-01-01 08:00:00' as fetched_at, "
                f"null::bigint as vintage_order, '{number}' as vintage_label, 'ff' as checksum_sha256, "
                "true as is_current, null::date as withdrawn_on, 'loaded' as status"
            )

    def act(self, home: Path, number: int) -> None:
        publish(_settings(home), f"run-{number:04d}")

    def describe(self, home: Path) -> Mapping[str, object]:
        """What a reader sees, as one part: the file, the Parquet beside it and the manifest belong together."""
        settings = _settings(home)
        root = settings.published_path.parent
        for version in sorted(root.glob("versions/[!.]*")):
            assert verify(version) == [], f"{version.name} can be seen and is not whole"
        manifest = current(settings)
        if manifest is None or not settings.published_path.exists():
            # Of the very first publication the folder may stand before the names that lead to it.
            return {}
        assert verify(root / "current") == []
        parquet = root / "parquet" / "observation.parquet"
        with duckdb.connect(str(settings.published_path), read_only=True) as connection:
            figures = connection.execute(
                "select distinct value from marts.observation union all "
                f"select distinct value from read_parquet('{parquet}') union all "
                "select distinct vintage_label::bigint from marts.delivery"
            ).fetchall()
        assert len(set(figures)) == 1, f"a mixture of {figures}"
        checksums = {name: digits for name, digits in manifest["checksums"].items() if name.startswith("parquet/")}
        return {"published": (manifest["run_id"], figures[0][0], manifest["row_counts"], checksums)}

    def leftovers(self, home: Path) -> list[str]:
        root = _settings(home).published_path.parent
        hidden = [path.name for path in (*root.glob(".*"), *root.glob("versions/.*"))]
        visible = sorted(root.glob("versions/[!.]*"))
        # One more than is kept may stand: what a killed publication had finished, or a reader may still be reading.
        return hidden + [path.name for path in visible[: -_settings(home).keep_publications - 1]]

    def close(self) -> None:
        """Nothing was started."""


def _settings(home: Path) -> Settings:
    return Settings(data_dir=home, keep_publications=2)
