"""A drop folder with one declared source whose rows are about persons, and what a test asks of what was loaded."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import Source
from pipelines.deliveries import SourceLoad, load_folder_source
from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.settings import Settings
from tests.istandaard_messages import BSN, REGIONS, Client, allocation, message, source_of
from tests.kept_text import everything_below

SECRET, OTHER_SECRET = "the key of this municipality, for tests", "the key that came after it, for tests"
KEY, OTHER_KEY = PseudonymKey(SECRET.encode()), PseudonymKey(OTHER_SECRET.encode())


class Drop:
    """A drop folder with one declared source, and a store of snapshots."""

    def __init__(self, root: Path, source: Source | None = None) -> None:
        self.settings = Settings(
            profile="live", data_dir=root / "data", drop_dir=root / "drop", today=dt.date(2026, 7, 1)
        )
        (root / "drop").mkdir(exist_ok=True)
        self.store = SnapshotStore(self.settings.snapshots_dir)
        self.source = source or source_of()

    def deliver(self, text: str, name: str = "bericht.xml") -> Path:
        path = self.settings.deliveries_dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, **changed: Any) -> SourceLoad:
        return load_folder_source(self.source, self.settings.model_copy(update=changed), self.store, REGIONS)

    def kept(self) -> str:
        """Every name and content below the data directory."""
        return "\n".join(text for _, text in everything_below(self.settings.data_dir))


def counted(load: SourceLoad) -> list[dict[str, Any]]:
    """The rows of the vintages that count."""
    current = {row["vintage_id"] for row in load.accounts["delivery"].to_pylist() if row["is_current"]}
    return [row for row in load.rows.to_pylist() if row["vintage_id"] in current]


def notices(load: SourceLoad) -> str:
    return "; ".join(row["notice"] or "" for row in load.accounts["delivery"].to_pylist())


def reasons(load: SourceLoad) -> list[str]:
    return [problem.reason for problem in load.problems]


def allocated(bsn: str = BSN, *numbers: str, **header: str | None) -> str:
    return message("wmo301", [Client(bsn, [allocation(number) for number in numbers or ("300201",)])], **header)
