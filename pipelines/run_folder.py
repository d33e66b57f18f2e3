"""What the steps of one run tell each other and whoever asks afterwards: small JSON files in a folder per run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from pipelines.durable import write_atomically
from pipelines.settings import Settings

KEPT_RUNS = 200
LOGS_OF_A_RUN = 2


class RunFolder:
    """The folder of one run. Files are written whole, or not at all."""

    def __init__(self, settings: Settings, run_id: str) -> None:
        self.path = settings.runs_dir / run_id

    def write(self, name: str, values: Any) -> None:
        """Write `values` as `<name>.json`."""
        write_atomically(self.path / f"{name}.json", json.dumps(values, ensure_ascii=False, default=str))

    def read(self, name: str) -> Any | None:
        """What was written under `name`, or None where the run did not come that far."""
        path = self.path / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def forget_old_runs(settings: Settings) -> None:
    """Keep the folders and the logs of the latest runs only."""
    for old in _but_latest(settings.runs_dir, KEPT_RUNS):
        shutil.rmtree(old, ignore_errors=True)
    for old in _but_latest(settings.logs_dir, KEPT_RUNS * LOGS_OF_A_RUN):
        old.unlink(missing_ok=True)


def _but_latest(folder: Path, kept: int) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(folder.iterdir(), key=lambda entry: entry.stat().st_mtime)[:-kept]
