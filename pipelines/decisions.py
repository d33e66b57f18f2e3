"""What people decide about trend breaks: appended to the reviewed file `sources/catalogue/decisions.yml`.

What belongs here: writing one decision so that a later run finds its break again, whatever new figures do to it.
What does not: what a decision does, which `marts.trend_break` and the comparisons say.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from pipelines.durable import write_atomically
from pipelines.settings import Settings, SetupError

if TYPE_CHECKING:
    from pipelines.declarations.catalogue import Decision
    from pipelines.published_breaks import PublishedBreak

DECISIONS = ("accepted", "corrected", "rejected")
_LASTING = ("level", "slope")


@dataclass(frozen=True)
class Decided:
    """What stands in the file now, and whether this call wrote it."""

    path: Path
    found: PublishedBreak
    written: bool


def decide(settings: Settings, break_id: str, decision: str, because: str, by: str | None = None) -> Decided:
    """Append a decision about the published break `break_id`; nothing where the file already says the same.

    `by` defaults to the user's name in git. The entry holds series, period, kind and direction beside the id, so
    that it outlives new vintages and a small move of the estimated period. Raises SetupError for an unknown id or
    decision, an empty reason or name, a part of a break in common, or where another decision about the break was made
    on the same day.
    """
    from pipelines.declarations.load import load_declarations
    from pipelines.published_breaks import find_break

    because = " ".join(because.split())
    if decision not in DECISIONS:
        raise SetupError(f"--as: found {decision}, expected one of {', '.join(DECISIONS)}")
    if not because:
        raise SetupError("--because: found nothing, expected one sentence that a later reader understands")
    made = load_declarations(settings.sources_dir, settings.profile).decisions
    found = find_break(settings, break_id)
    if found.part_of is not None:
        raise SetupError(
            f"{break_id}: found a part of break {found.part_of}, expected the whole; decide about that one"
        )
    path = settings.sources_dir / "catalogue" / "decisions.yml"
    earlier = [one for one in made if _is_about(one, found, break_id)]
    newest = max(earlier, key=lambda one: one.when, default=None)
    if newest is not None and (newest.decision, newest.because) == (decision, because):
        return Decided(path, found, written=False)
    if newest is not None and newest.when >= settings.today:
        raise SetupError(
            f"{break_id}: found it {newest.decision} on {newest.when} by {newest.who}, expected no second decision on "
            f"{settings.today}; change that entry in {path}"
        )
    who = " ".join((by if by is not None else git_user(settings.sources_dir)).split())
    if not who:
        raise SetupError("--by: found no name, and none in git, expected who decides")
    entry = {
        "break_id": found.break_id,
        "indicator_id": found.indicator_id,
        "region_code": found.region_code,
        "period_code": found.period_code,
        "kind": found.kind,
        **({"direction": found.direction} if found.direction else {}),
        "decision": decision,
        "because": because,
        "who": who,
        "when": settings.today,
    }
    _append(path, entry)
    return Decided(path, found, written=True)


def _is_about(made: Decision, found: PublishedBreak, break_id: str) -> bool:
    """Whether an earlier decision was about this break, by its id or as its series."""
    from pipelines.breaks.period import Period

    if made.break_id in (found.break_id, break_id):
        return True
    if (made.indicator_id, made.region_code) != (found.indicator_id, found.region_code) or made.period_code is None:
        return False
    if made.kind is None:
        return made.period_code == found.period_code
    then, now = Period.parse(made.period_code), Period.parse(found.period_code)
    same_kind = made.kind == found.kind or (made.kind in _LASTING and found.kind in _LASTING)
    near = then.per_year == now.per_year and abs(then.ordinal - now.ordinal) <= 1
    return same_kind and made.direction == found.direction and near


def git_user(folder: Path) -> str:
    """The name that git knows its user by in a folder; empty where it knows none, or is not there."""
    git = shutil.which("git")
    if git is None:
        return ""
    answer = subprocess.run(  # noqa: S603 - a fixed command
        [git, "-C", str(folder), "config", "user.name"], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def _append(path: Path, entry: dict[str, object]) -> None:
    """Add one entry below what stands there, comments included; an empty list (`[]`) makes way for it."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before = yaml.safe_load(text) or []
    if not before:
        text = "".join(line for line in text.splitlines(keepends=True) if line.strip() != "[]")
    if text and not text.endswith("\n"):
        text += "\n"
    written = text + yaml.safe_dump([entry], allow_unicode=True, sort_keys=False, width=110)
    try:
        after = yaml.safe_load(written)
    except yaml.YAMLError:
        after = None
    if after != [*before, entry]:
        raise SetupError(f"{path}: found a list that nothing can be added to, expected one entry per dash")
    write_atomically(path, written)
