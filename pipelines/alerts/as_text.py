"""A message as plain text: what a terminal, a file, a chat and the plain part of a mail show."""

from __future__ import annotations

from pipelines.alerts.content import Content, Item


def as_text(content: Content) -> str:
    """The whole message; every finding is a line with `- ` and its facts indented below it."""
    lines = [content.subject, "", *content.opening]
    for section in content.sections:
        lines += ["", section.title.upper()]
        for group in section.groups:
            lines += ["", group.heading]
            for item in group.items:
                lines += _item(item)
            lines += [f"- {group.rest}"] if group.rest else []
    lines += ["", f"Alles bekijken: {content.link}"]
    lines += [f"Gezien? Bevestig met: {content.confirm}"] if content.confirm else []
    return "\n".join([*lines, f"Bericht {content.message_id}", ""])


def _item(item: Item) -> list[str]:
    lines = [f"- {item.title}"]
    lines += [f"    {label}: {fact}" for label, fact in (*item.place, *item.advice)]
    lines += [f"    Rij: {', '.join(f'{name} = {value}' for name, value in row)}" for row in item.rows]
    return [*lines, f"    Rij: en nog {item.more_rows}"] if item.more_rows else lines
