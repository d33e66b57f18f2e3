"""One JSON object a line: what programs that gather logs read of a run.

What belongs here: the shape of a line, and standard error as such lines where `NULMETING_LOG_FORMAT=json` asks for it.
What does not: which events are told (`run_log`). Whatever could identify a person is withheld from every message.

A line has `time` (UTC), `level`, `run_id`, `step`, `event`, `message`, `seconds` and `rows`; what is not known is null.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from pipelines.settings import SetupError

if TYPE_CHECKING:
    from pipelines.main_job import RunSummary

FORMAT_VARIABLE = "NULMETING_LOG_FORMAT"
_ERROR_LINE = "nulmeting: "
_stream: JsonLines | None = None


def record(
    moment: float,
    level: str,
    event: str,
    message: str,
    *,
    run_id: str | None = None,
    step: str | None = None,
    seconds: float | None = None,
    rows: int | None = None,
    **more: Any,
) -> str:
    """One line without its end. `moment` is in seconds since 1970, `message` already without what is withheld."""
    return json.dumps(
        {
            "time": dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "run_id": run_id,
            "step": step,
            "event": event,
            "message": message,
            "seconds": seconds,
            "rows": rows,
            **more,
        },
        ensure_ascii=False,
    )


def summary(run: RunSummary) -> str:
    """How a run ended, as one line: what failed first, else whether it published; with its exit code."""
    level = {0: "INFO", 1: "WARNING"}.get(run.exit_code, "ERROR")
    said = "gepubliceerd" if run.is_published else "niets gepubliceerd"
    causes = [f"gestopt bij {failure.title}: {failure.cause}" for failure in run.failures]
    return record(
        dt.datetime.now(dt.UTC).timestamp(),
        level,
        "summary",
        "; ".join([*causes, said]),
        run_id=run.run_id,
        seconds=round(run.seconds, 3),
        rows=run.observations if run.is_published else None,
        exit_code=run.exit_code,
        checks=run.checks,
        checks_failed=len(run.failed_checks),
        problems=len(run.quarantined),
        alerts_sent=run.alerts_sent,
        alerts_waiting=run.alerts_waiting,
        alerts_held=run.alerts_held,
        alert_errors=list(run.alert_errors),
    )


def withheld(lines: Sequence[str]) -> list[str]:
    """The lines without what could identify a person."""
    import pyarrow as pa

    from pipelines.privacy import redact

    kept: list[str] = redact(pa.array(lines, pa.string())).to_pylist()
    return kept


def wanted() -> bool:
    """Whether standard error must be such lines; raises SetupError for a format that is not known."""
    found = os.environ.get(FORMAT_VARIABLE) or "text"
    if found not in ("text", "json"):
        raise SetupError(f"{FORMAT_VARIABLE}: found {found}, expected text or json")
    return found == "json"


def tell(line: str) -> None:
    """Write a line made by `record` to standard error, where lines are wanted there; else nothing."""
    if _stream is not None:
        _stream.pass_on(line)


def of_run(run_id: str | None) -> None:
    """From now on, lines that others write to standard error carry this id."""
    if _stream is not None:
        _stream.run_id = run_id


@contextlib.contextmanager
def structured_errors() -> Iterator[None]:
    """Within, every line that anything in this process prints to standard error becomes a JSON object."""
    global _stream  # noqa: PLW0603 - standard error is one per process too
    _stream = JsonLines(sys.stderr)
    try:
        with contextlib.redirect_stderr(_stream):
            yield
    finally:
        _stream.close_line()
        _stream = None


class JsonLines(io.TextIOBase):
    """A stream that turns the lines written to it into records of the event `output`."""

    def __init__(self, target: TextIO) -> None:
        self.run_id: str | None = None
        self._target = target
        self._begun = ""

    def write(self, text: str) -> int:
        """Keep what is no whole line yet; returns how many characters were taken."""
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            self._print(line)
        return len(text)

    def close_line(self) -> None:
        """What was written without an end of line is a line too."""
        self._print(self._begun)
        self._begun = ""

    def pass_on(self, line: str) -> None:
        """Write a record as it is."""
        # Whoever gathers the lines may have gone, or its disk be full: that stops no run.
        with contextlib.suppress(OSError):
            self._target.write(line + "\n")
            self._target.flush()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def _print(self, line: str) -> None:
        text = line.strip()
        if not text:
            return
        # What this program says itself quotes no person; its dates and addresses would look like one.
        is_ours = text.startswith(_ERROR_LINE)
        said = text.removeprefix(_ERROR_LINE) if is_ours else withheld([text])[0]
        moment = dt.datetime.now(dt.UTC).timestamp()
        self.pass_on(record(moment, "ERROR" if is_ours else "INFO", "output", said, run_id=self.run_id))
