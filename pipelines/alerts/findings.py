"""What the checks of a run found: the file between the checks step and the alerts.

What belongs here: the shape of a finding and of a run's findings, and how they are written and read. What
does not: deciding whether something is a finding, wording of messages, and the memory of earlier runs.

The text of a finding may come from a delivery, so it is cleaned where it enters: one line, no control
characters, no citizen service number. Whatever is sent, shown or stored later is made of cleaned text only.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from pipelines.durable import write_atomically

Severity = Literal["blocking", "error", "warning"]
SEVERITIES: tuple[str, ...] = get_args(Severity)

RUN_CHECK = "run"
"""The check that every run is: did it reach its end. No other check may carry this name."""

ITSELF = "de run zelf"
"""What stands for the failed step where a run was stopped between its steps, or at one that nobody knows."""

HIDDEN = "[verborgen]"

_NEVER_IN_ROWS = frozenset(
    {
        *("bsn", "naam", "voornaam", "achternaam", "geboortedatum", "birth_date", "raw_text", "cells"),
        *("person", "persoon", "person_key", "household", "huishouden", "adres", "email", "e-mail", "telefoon"),
    }
)
# Those that turn the direction of what follows hide what a name says.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
# Not inside a longer number, the decimals of a share, or a checksum in hexadecimal of more than ten digits.
_DIGITS = re.compile(r"(?<!\b0[.,])[0-9A-Fa-f]{9,}")
_NINE_DIGITS = re.compile(r"(?<![0-9])[0-9]{9}(?![0-9])")
_SHORTEST_CHECKSUM = 11


class AlertError(Exception):
    """A findings file or the outbox cannot be used as it is; the text says which, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One failing row of one check, with what a reader needs to act on it.

    `key` identifies the row within its check and stays the same from run to run as long as it is the same
    problem: `GM0383|wmo_hulp|2016H2`, never a row number or a figure that may change. `title_nl` (what is
    wrong), `cause_nl` (the usual or probable cause) and `next_step_nl` are one line of Dutch each; where
    `explanation_nl` tells of this very row what happened and what to do, it is shown instead of both. `source_id`,
    its `owner` and the `laws` it is about say who should hear of it, where the check knows them. `rows`
    holds a few failing rows as plain values; columns that may hold personal data are left out, whoever passed
    them. `is_withdrawn` says of a finding that is over that nobody looked: its check or its source exists no more.

    Raises ValueError on a name or severity that cannot be; texts are cleaned, not refused, so that a strange
    character in a delivery never costs an alert.
    """

    check: str
    severity: Severity
    key: str
    title_nl: str
    cause_nl: str
    next_step_nl: str
    region_code: str | None = None
    region_name: str | None = None
    indicator_id: str | None = None
    indicator_label: str | None = None
    period_code: str | None = None
    explanation_nl: str | None = None
    source_id: str | None = None
    owner: str | None = None
    laws: tuple[str, ...] = ()
    rows: tuple[dict[str, Any], ...] = ()
    is_withdrawn: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str):
                object.__setattr__(self, field.name, clean_text(value))
        object.__setattr__(self, "laws", tuple(clean_text(law) for law in self.laws))
        object.__setattr__(self, "rows", tuple(_clean_row(row) for row in self.rows))
        if not self.check or "|" in self.check:
            raise ValueError(f"check {self.check!r}: expected a name without '|'")
        if not self.key:
            raise ValueError(f"check {self.check}: a finding without a key")
        if self.severity not in SEVERITIES:
            raise ValueError(f"check {self.check}: severity {self.severity!r}, expected one of {SEVERITIES}")

    @property
    def full_key(self) -> str:
        """What makes this the same finding in another run."""
        return f"{self.check}|{self.key}"

    @property
    def is_fictional(self) -> bool:
        """Whether the figure is of Voorbeeldland, the invented country of the sample, or of a cooperation in it."""
        return (self.region_code or "").startswith(("VB", "SV-VB"))

    def to_json(self) -> dict[str, Any]:
        """Plain values, the inverse of `from_json`."""
        # All values are plain: copying them in depth, as asdict does, is the most that a run of many findings costs.
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {"laws": list(self.laws), "rows": [dict(row) for row in self.rows]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Finding:
        """Raises TypeError, KeyError or ValueError where `values` is not a finding."""
        return cls(**{**values, "laws": tuple(values.get("laws", ())), "rows": tuple(values.get("rows", ()))})


@dataclass(frozen=True, kw_only=True)
class RunFindings:
    """Everything one run has to say to the alerts.

    `evaluated_checks` are the checks that ran to their end: only those can resolve what is open. `known_checks` are
    all there are, where the run came to all of them, and `known_sources` all that are declared; else None. What is over
    of another one is withdrawn.
    `finished_at` has a time zone. `failed_step` names the step that stopped the run and stands exactly when
    `status` is `failed`; `failed_because` says why, where that is known, and `has_published` whether it had published
    all the same. `quarantined` counts the rows this run set apart. Two findings with one full key
    count as one, the first. Raises ValueError where these rules are broken.
    """

    run_id: str
    finished_at: dt.datetime
    evaluated_checks: frozenset[str]
    findings: tuple[Finding, ...]
    status: Literal["published", "failed"] = "published"
    failed_step: str | None = None
    failed_because: str | None = None
    has_published: bool = False
    quarantined: int = 0
    known_checks: frozenset[str] | None = None
    known_sources: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if not self.run_id or _CONTROL.search(self.run_id):
            raise ValueError("findings of a run without a usable id")
        if self.failed_step is not None:
            object.__setattr__(self, "failed_step", clean_text(self.failed_step))
        if self.failed_because is not None:
            object.__setattr__(self, "failed_because", clean_text(self.failed_because))
        if self.finished_at.tzinfo is None:
            raise ValueError(f"run {self.run_id}: finished_at has no time zone")
        if self.status not in ("published", "failed"):
            raise ValueError(f"run {self.run_id}: status {self.status!r}, expected published or failed")
        if (self.status == "failed") != bool(self.failed_step):
            raise ValueError(f"run {self.run_id}: status {self.status} with failed step {self.failed_step!r}")
        if RUN_CHECK in self.evaluated_checks or any(f.check == RUN_CHECK for f in self.findings):
            raise ValueError(f"run {self.run_id}: the check name {RUN_CHECK!r} is taken by the run itself")

    @property
    def at_step(self) -> str:
        """Where a run failed, to follow on a verb."""
        return "" if self.failed_step in (None, ITSELF) else f" bij de stap '{self.failed_step}'"

    def failing(self) -> dict[str, Finding]:
        """All findings by full key; a failed run is a finding of its own."""
        everything = (*self.findings, *((self._failure(),) if self.failed_step else ()))
        return {finding.full_key: finding for finding in reversed(everything)}

    def _failure(self) -> Finding:
        outcome = "zij had al wel gepubliceerd" if self.has_published else "er is niets nieuws gepubliceerd"
        return Finding(
            check=RUN_CHECK,
            severity="blocking",
            key=f"failed|{self.failed_step}",
            title_nl=f"De run is gestopt{self.at_step}; {outcome}",
            cause_nl=self.failed_because or "Een bron of een stap in de verwerking gaf een fout.",
            next_step_nl="Zoek de fout op in de log van deze run, verhelp haar en start de run opnieuw.",
        )

    def write(self, path: Path) -> None:
        """Write as JSON: readers see the whole file or none."""
        values = {
            "run_id": self.run_id,
            "finished_at": self.finished_at.isoformat(),
            "status": self.status,
            "failed_step": self.failed_step,
            "failed_because": self.failed_because,
            "has_published": self.has_published,
            "quarantined": self.quarantined,
            "evaluated_checks": sorted(self.evaluated_checks),
            "known_checks": None if self.known_checks is None else sorted(self.known_checks),
            "known_sources": None if self.known_sources is None else sorted(self.known_sources),
            "findings": [finding.to_json() for finding in self.findings],
        }
        write_atomically(path, json.dumps(values, ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> RunFindings:
        """The findings as written. Raises AlertError when the file is absent or is not such a file."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                run_id=values["run_id"],
                finished_at=dt.datetime.fromisoformat(values["finished_at"]),
                status=values["status"],
                failed_step=values["failed_step"],
                failed_because=values.get("failed_because"),
                has_published=values.get("has_published", False),
                quarantined=values["quarantined"],
                evaluated_checks=frozenset(values["evaluated_checks"]),
                known_checks=_names(values.get("known_checks")),
                known_sources=_names(values.get("known_sources")),
                findings=tuple(Finding.from_json(finding) for finding in values["findings"]),
            )
        except FileNotFoundError:
            raise AlertError(f"{path}: no findings of a run here") from None
        except (KeyError, TypeError, ValueError) as error:
            # The text of the error is left out where it could quote the file: it may hold a delivery's text.
            raise AlertError(f"{path}: not a findings file of a run ({type(error).__name__})") from None


def clean_text(text: str) -> str:
    """`text` on one line, without control characters, lone surrogates or a citizen service number (BSN)."""
    line = _CONTROL.sub(" ", text).encode("utf-8", "replace").decode("utf-8")
    return _DIGITS.sub(_without_bsn, line)


def _names(listed: list[str] | None) -> frozenset[str] | None:
    return None if listed is None else frozenset(listed)


def _without_bsn(found: re.Match[str]) -> str:
    if len(found[0]) >= _SHORTEST_CHECKSUM:
        return found[0]
    return _NINE_DIGITS.sub(lambda nine: HIDDEN if _is_bsn(nine[0]) else nine[0], found[0])


def _is_bsn(digits: str) -> bool:
    """Whether nine digits pass the eleven test of a BSN. One other number in eleven does so too."""
    # Here, because few texts hold nine digits, and a command that sends nothing need not wait for numpy.
    from pipelines.privacy import is_bsn

    return is_bsn(digits)


def _clean_row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        clean_text(str(name)): _plain(value)
        for name, value in row.items()
        if str(name).strip().lower() not in _NEVER_IN_ROWS
    }


def _plain(value: Any) -> bool | int | float | str | None:
    """`value` as JSON keeps it: dates and decimals as text, numpy scalars as numbers, NaN as None."""
    if hasattr(value, "item") and not isinstance(value, (bool, int, float, str)):
        value = value.item()
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return clean_text(str(value))
