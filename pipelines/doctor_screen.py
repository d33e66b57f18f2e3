"""The findings of the doctor on one screen: what is wrong first, what is in order gathered by kind.

What belongs here: the order and the gathering. What does not: what is looked at (`doctor` and its siblings).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.doctor import Finding

SHOWN_OF_A_KIND = 5
_GATHERED = {"source": "sources", "channel": "channels", "package": "packages", "catalogue": "catalogues"}


def on_one_screen(findings: Iterable[Finding]) -> Iterator[str]:
    """One line per finding that is wrong, at most SHOWN_OF_A_KIND of a kind, and one per kind that is in order."""
    found = list(findings)
    for kind, members in _by_kind(one for one in found if not one.ok).items():
        yield from (line_of(one) for one in members[:SHOWN_OF_A_KIND])
        if len(members) > SHOWN_OF_A_KIND:
            more = len(members) - SHOWN_OF_A_KIND
            yield f"NOK {_GATHERED.get(kind, kind)}: and {more} more; `nulmeting doctor --all`"
    for kind, members in _by_kind(one for one in found if one.ok).items():
        if len(members) == 1:
            yield line_of(members[0])
        else:
            names = [one.subject.removeprefix(f"{kind} ") for one in members]
            shown = ", ".join(dict.fromkeys(names[:SHOWN_OF_A_KIND])) + (", …" if len(names) > SHOWN_OF_A_KIND else "")
            yield f"ok  {_GATHERED.get(kind, kind)}: {len(members)} in order: {shown}"


def line_of(finding: Finding) -> str:
    """One finding as it is printed."""
    return f"{'ok ' if finding.ok else 'NOK'} {finding.subject}: {finding.text}"


def _by_kind(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """In the order in which they came; a kind is the first word of a subject that is gathered, else the subject."""
    gathered: dict[str, list[Finding]] = {}
    for finding in findings:
        first = finding.subject.partition(" ")[0]
        gathered.setdefault(first if first in _GATHERED else finding.subject, []).append(finding)
    return gathered
