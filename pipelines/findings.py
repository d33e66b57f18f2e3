"""Gathers what the steps of a run found into the one file the alerts read."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.alerts.findings import Finding, RunFindings
from pipelines.run_folder import RunFolder
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.declarations.load import Declarations

STEPS = ("raw", "core", "marts")
"""The steps of a run that check, in order."""


def write_findings(
    settings: Settings,
    run_id: str,
    failed_step: str | None,
    *,
    cause: str | None = None,
    ended_at: dt.datetime | None = None,
) -> Path | None:
    """Write `findings.json` of a run from the results its check steps left; returns its path.

    `cause` is why it failed, for a reader; `ended_at` when it ended, where that was not just now.

    Checks that the run did not reach are not among the evaluated ones, so that nothing counts as resolved
    only because a run stopped early. Written once: a second call returns what stands there. A run of a part
    of the assets that published nothing, and failed nowhere, has nothing to tell: None.
    """
    folder = RunFolder(settings, run_id)
    path = folder.path / "findings.json"
    if path.is_file():
        return path
    if failed_step is None and folder.read("publication") is None:
        return None
    steps = [step for name in STEPS if (step := folder.read(f"checks_{name}")) is not None]
    came_to_all = len(steps) == len(STEPS)
    declared = _declared(settings)
    accounts = folder.read("row_accounts") or {"refused": 0}
    RunFindings(
        run_id=run_id,
        finished_at=ended_at or dt.datetime.now(dt.UTC),
        status="failed" if failed_step else "published",
        failed_step=failed_step,
        failed_because=cause,
        has_published=folder.read("publication") is not None,
        quarantined=accounts["refused"],
        evaluated_checks=frozenset(check for step in steps for check in step["evaluated"]),
        known_checks=frozenset(one["check"] for step in steps for one in step["results"]) if came_to_all else None,
        known_sources=_sources(declared) if declared else None,
        findings=_with_who_should_hear(
            declared, [Finding.from_json(values) for step in steps for values in step["findings"]]
        ),
    ).write(path)
    return path


def _declared(settings: Settings) -> Declarations | None:
    """The declarations; None where they changed since the run began, which read them, and are wrong now."""
    from pipelines.declarations.load import DeclarationError, load_declarations

    try:
        return load_declarations(settings.sources_dir, settings.profile)
    except DeclarationError:
        return None


def _sources(declared: Declarations) -> frozenset[str]:
    """The sources that are declared, those that are known by their rhythm alone included."""
    return frozenset([one.source_id for one in declared.sources] + [one.source_id for one in declared.rhythms])


def _with_who_should_hear(declared: Declarations | None, findings: list[Finding]) -> tuple[Finding, ...]:
    """The findings with the owner of their source and the laws they are about, as far as the declarations tell.

    A finding without an indicator is about the laws of all indicators that its source delivers.
    """
    if declared is None:
        return tuple(findings)
    law_of: dict[str, str] = {one.indicator_id: one.law for one in declared.indicators}
    owner_of = {one.source_id: one.owner for one in declared.sources}
    laws_of: dict[str, set[str]] = {}
    for indicator in declared.indicators:
        for source_id in indicator.sources:
            laws_of.setdefault(source_id, set()).add(indicator.law)

    def complete(finding: Finding) -> Finding:
        law = law_of.get(finding.indicator_id or "")
        laws = {law} if law else laws_of.get(finding.source_id or "", set())
        return replace(finding, owner=owner_of.get(finding.source_id or ""), laws=tuple(sorted(laws)))

    return tuple(complete(finding) for finding in findings)
