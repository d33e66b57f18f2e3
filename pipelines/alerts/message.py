"""One alert: its id, its subject and its content in every form, for a policy adviser and for machines.

What belongs here: what a message is about and what identifies it. What does not: wording and order (`content`), layout
(`as_text`, `as_html`), which findings are told (`release`), and where a message goes (`channels`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.alerts.as_html import as_html
from pipelines.alerts.as_text import as_text
from pipelines.alerts.content import (
    Content,
    checked,
    counts_of,
    moment_nl,
    not_repeated,
    opening_of,
    section,
    sections_of,
    withdrawn,
)
from pipelines.alerts.findings import ITSELF, SEVERITIES, Finding, RunFindings
from pipelines.alerts.release import Change, Net, net

PAYLOAD_FINDINGS = 500


@dataclass(frozen=True)
class Message:
    """One message as the outbox keeps it. `message_id` is 32 hexadecimal digits, the same at every repeat.

    `payload` is the content as plain values, for a webhook or a line of JSON; of very many findings it holds
    the first 500 and the counts. Its `changes` are all that happened, also where a finding went and came back.
    """

    message_id: str
    run_id: str
    kind: Literal["new", "resolved", "mixed"]
    subject: str
    text: str
    html: str
    payload: dict[str, Any] = field(compare=False)
    created_at: dt.datetime

    @property
    def tag(self) -> str:
        """The short form of the id, by which a person recognises a repeat."""
        return f"[nm-{self.message_id[:8]}]"

    @property
    def severity(self) -> str | None:
        """That of the gravest new finding in it; None where nothing is new."""
        found = {finding["severity"] for finding in self.payload["new"]}
        known: str | None = self.payload.get("severity")
        return known or next((severity for severity in SEVERITIES if severity in found), None)


def message_id_of(run_id: str, new: Sequence[str], resolved: Sequence[str], scope: str = "") -> str:
    """The id of the message of a run with these new and resolved full keys, whatever their order.

    `scope` tells messages apart that differ in something else, such as the channel they are for.
    """
    content = "\n".join([run_id, "new", *sorted(new), "resolved", *sorted(resolved), *([scope] if scope else [])])
    return hashlib.sha256(content.encode("utf-8")).hexdigest()[:32]


def compose(
    run: RunFindings,
    new: Sequence[Finding],
    resolved: Sequence[Finding],
    *,
    still_open: int,
    link: str,
    created_at: dt.datetime,
    muted: int = 0,
    scope: str = "",
    to_confirm: bool = False,
) -> Message:
    """The message of `run`, which has at least one new or resolved finding.

    `still_open` counts the findings that were open before and stay so, `muted` those that nobody is told about; they
    are counted, never named. `link` is where the reader finds the rest: an address, or the path of the Data Docs. With
    `to_confirm` it asks the reader to acknowledge what is new.
    """
    message_id = message_id_of(run.run_id, [f.full_key for f in new], [f.full_key for f in resolved], scope)
    told = Net(tuple(new), tuple(resolved), (), frozenset())
    content = Content(
        _subject(told, run.failed_step),
        [*opening_of(run), *not_repeated(still_open, muted)],
        counts_of(told),
        sections_of(told),
        link,
        message_id,
        _confirmation(message_id) if to_confirm and new else None,
    )
    about_run = {
        "run_status": run.status,
        "failed_step": run.failed_step,
        "run_finished_at": run.finished_at.isoformat(),
        "quarantined": run.quarantined,
    }
    changes = [(run.run_id, "opened", f) for f in new] + [(run.run_id, "resolved", f) for f in resolved]
    values = {"occasion": "run", "still_open": still_open, "muted": muted, **about_run}
    return _message(content, run.run_id, told, changes, values, created_at)


def compose_collected(
    changes: Sequence[Change],
    *,
    channel: str,
    still_open: int,
    muted: int,
    link: str,
    created_at: dt.datetime,
    to_confirm: bool = False,
) -> Message:
    """The message about changes that waited for `channel`: for a digest, the end of quiet hours or that of a mute."""
    told = net(changes)
    identity = "\n".join(f"{one.position} {one.run_id} {one.change} {one.finding.full_key}" for one in changes)
    message_id = hashlib.sha256(f"{channel}\n{identity}".encode()).hexdigest()[:32]
    since = min(one.held_since for one in changes)
    opening = [f"Dit bericht verzamelt wat sinds {moment_nl(since)} nieuw of opgelost is."]
    content = Content(
        _subject(told),
        [*opening, *not_repeated(still_open, muted)],
        counts_of(told),
        sections_of(told),
        link,
        message_id,
        _confirmation(message_id) if to_confirm and told.new else None,
    )
    values = {"occasion": "collected", "still_open": still_open, "muted": muted}
    each = [(one.run_id, one.change, one.finding) for one in changes]
    return _message(content, changes[-1].run_id, told, each, values, created_at)


def compose_escalation(
    findings: Sequence[Finding],
    *,
    channel: str,
    run_id: str,
    told_at: dt.datetime,
    hours: float,
    has_arrived: bool,
    link: str,
    created_at: dt.datetime,
) -> Message:
    """The message to another channel about findings that stay open and that nobody acknowledged at `channel`.

    `has_arrived` says whether that channel took all that it was told of them.
    """
    number = len(findings)
    identity = "\n".join(["escalation", channel, told_at.isoformat(), *sorted(f.full_key for f in findings)])
    message_id = hashlib.sha256(identity.encode()).hexdigest()[:32]
    one = number == 1
    opening = [
        f"{'Deze bevinding staat' if one else 'Deze bevindingen staan'} nog open en "
        f"{'is' if one else 'zijn'} niet bevestigd binnen {hours:g} uur na het bericht aan het kanaal '{channel}' "
        f"({'van' if one else 'het eerste van'} {moment_nl(told_at)})."
        + ("" if has_arrived else " Dat kanaal heeft nog niet alles aangenomen."),
        "Bevestig wat in behandeling is; dit bericht komt eenmaal.",
    ]
    told = Net(tuple(findings), (), (), frozenset())
    sections = [section("Niet bevestigd", findings)]
    noun = "bevinding is" if one else "bevindingen zijn"
    subject = f"Nulmeting: {number} {noun} na {hours:g} uur niet bevestigd"
    content = Content(subject, opening, counts_of(told), sections, link, message_id, _confirmation(message_id))
    values = {"occasion": "escalation", "escalated_from": channel, "still_open": 0, "muted": 0}
    return _message(content, run_id, told, [], values, created_at)


def _subject(told: Net, failed_step: str | None = None) -> str:
    """One line: `Nulmeting: 3 nieuwe bevindingen, 1 opgelost`; a failed run says so first."""
    new, resolved, passed = len(told.new), len(checked(told.resolved)), len(checked(told.passed))
    lapsed = len(withdrawn(told))
    where = "" if failed_step == ITSELF else f" bij {failed_step}"
    parts = [f"run mislukt{where}"] if failed_step else []
    if new:
        parts.append(f"{new} nieuwe bevinding{'' if new == 1 else 'en'}")
    if resolved:
        noun = "" if new else " bevinding" if resolved == 1 else " bevindingen"
        parts.append(f"{resolved}{noun} opgelost")
    if passed:
        noun = "" if new or resolved else " bevinding" if passed == 1 else " bevindingen"
        parts.append(f"{passed}{noun} ontstaan en alweer opgelost")
    if lapsed:
        noun = "" if new or resolved or passed else " bevinding" if lapsed == 1 else " bevindingen"
        parts.append(f"{lapsed}{noun} vervallen")
    return "Nulmeting: " + ", ".join(parts)


def _confirmation(message_id: str) -> str:
    return f"nulmeting alerts acknowledge nm-{message_id[:8]}"


def _message(
    content: Content,
    run_id: str,
    told: Net,
    changes: Sequence[tuple[str, str, Finding]],
    values: dict[str, Any],
    created_at: dt.datetime,
) -> Message:
    over = told.resolved or told.passed
    kind: Literal["new", "resolved", "mixed"] = (
        "mixed" if (told.new and over) or told.passed else "new" if told.new else "resolved"
    )
    gravest = next((severity for severity in SEVERITIES if any(f.severity == severity for f in told.new)), None)
    return Message(
        message_id=content.message_id,
        run_id=run_id,
        kind=kind,
        subject=content.subject,
        text=as_text(content),
        html=as_html(content),
        payload={
            "message_id": content.message_id,
            "run_id": run_id,
            "kind": kind,
            "subject": content.subject,
            "severity": gravest,
            "created_at": created_at.isoformat(),
            "link": content.link,
            **values,
            "new_count": len(told.new),
            "resolved_count": len(told.resolved),
            "passed_count": len(told.passed),
            "withdrawn_count": len(withdrawn(told)),
            "new": [_values(finding) for finding in told.new[:PAYLOAD_FINDINGS]],
            "resolved": [_values(finding) for finding in told.resolved[:PAYLOAD_FINDINGS]],
            "passed": [_values(finding) for finding in told.passed[:PAYLOAD_FINDINGS]],
            "changes": [
                {"run_id": run, "change": change, "full_key": finding.full_key}
                for run, change, finding in changes[:PAYLOAD_FINDINGS]
            ],
        },
        created_at=created_at,
    )


def _values(finding: Finding) -> dict[str, Any]:
    return {**finding.to_json(), "full_key": finding.full_key, "is_fictional": finding.is_fictional}
