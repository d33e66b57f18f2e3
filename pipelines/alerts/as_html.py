"""A message as the HTML part of a mail.

Mail programs know little: Outlook lays out with the engine of a word processor, others drop style sheets, and most show
no pictures that they would have to fetch. So this is one column of tables with inline styles, fluid up to a width that
reads well, without pictures, scripts or style sheets. Whatever comes from a delivery is escaped. A failing row stands
upright, a line per column of the table it is from, so that it fits a phone.
"""

from __future__ import annotations

import re
from html import escape

from pipelines.alerts.content import Content, Ending, Group, Item, Section
from pipelines.alerts.findings import SEVERITIES

_FONT = "font-family:'Segoe UI',-apple-system,Roboto,Helvetica,Arial,sans-serif"
_INK, _SOFT, _LINE, _PAPER = "#1b2733", "#566573", "#dde3e9", "#f2f5f8"
# Ink and paper of each severity: more than 5 to 1 in contrast.
_COLOURS = {
    "blocking": ("#9f1822", "#fdecec"),
    "error": ("#8a4300", "#fff1e0"),
    "warning": ("#6b5200", "#fff8d9"),
    "resolved": ("#1d6b43", "#e6f3ec"),
    "withdrawn": (_SOFT, _PAPER),
}
_TABLE = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'


def as_html(content: Content) -> str:
    """The whole document."""
    gravest = content.counts[0][0] if content.counts else "resolved"
    subject, ink = escape(content.subject), _COLOURS[gravest][0]
    chips = " ".join(_chip(kind, text) for kind, text in content.counts)
    opening = "".join(f'<p style="margin:0 0 6px">{escape(line)}</p>' for line in content.opening)
    return "\n".join(
        [
            '<!DOCTYPE html><html lang="nl"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta name="color-scheme" content="light"><title>{subject}</title></head>',
            f'<body style="margin:0;padding:0;background-color:{_PAPER}">',
            f'<table {_TABLE} style="background-color:{_PAPER}"><tr><td align="center" style="padding:16px 8px">',
            # Outlook knows no greatest width: it gets a table of that width instead.
            '<!--[if mso]><table role="presentation" width="640" cellpadding="0" cellspacing="0"><tr><td><![endif]-->',
            f'<table {_TABLE} style="max-width:640px;background-color:#ffffff;border:1px solid {_LINE};'
            f"border-top:6px solid {ink};{_FONT};font-size:15px;line-height:1.5;color:{_INK};text-align:left;"
            'word-break:break-word">',
            '<tr><td style="padding:20px 20px 4px">',
            f'<h1 style="margin:0 0 10px;font-size:21px;line-height:1.3;color:{_INK}">{subject}</h1>',
            f'<p style="margin:0 0 12px;line-height:2">{chips}</p>{opening}</td></tr>',
            *(_section(section) for section in content.sections),
            f'<tr><td style="padding:20px;border-top:1px solid {_LINE};background-color:{_PAPER}">',
            _link(content.link),
            _confirm(content.confirm),
            f'<p style="margin:0;font-size:12px;color:{_SOFT}">Bericht {content.message_id}. Automatisch gemaakt door '
            "Nulmeting; wat open blijft wordt niet herhaald.</p></td></tr></table>",
            "<!--[if mso]></td></tr></table><![endif]-->",
            "</td></tr></table></body></html>",
        ]
    )


def _section(section: Section) -> str:
    heading = f'<h2 style="margin:0;font-size:18px;color:{_INK}">{escape(section.title)}</h2>'
    groups = "".join(_group(group, section.ending) for group in section.groups)
    return f'<tr><td style="padding:18px 20px 4px">{heading}{groups}</td></tr>'


def _group(group: Group, ending: Ending | None) -> str:
    heading = f'<h3 style="margin:12px 0 8px;font-size:13px;font-weight:normal;color:{_SOFT}">'
    items = "".join(_item(item, ending or item.severity) for item in group.items)
    rest = f'<p style="margin:0 0 8px;color:{_SOFT}">{escape(group.rest)}</p>' if group.rest else ""
    return f"{heading}{_breakable(group.heading)}</h3>{items}{rest}"


def _item(item: Item, colour: str) -> str:
    ink, paper = _COLOURS[colour]
    weight = "bold" if colour in SEVERITIES else "normal"
    title = f'<p style="margin:0 0 4px;font-weight:{weight};color:{_INK}">{_said(item.title)}</p>'
    place = "".join(_fact(label, fact, _SOFT) for label, fact in item.place)
    advice = "".join(_fact(label, fact, _INK) for label, fact in item.advice)
    told = (
        f'<table {_TABLE} style="margin:8px 0 0"><tr><td bgcolor="{paper}" style="padding:8px 10px 4px;'
        f'background-color:{paper}">{advice}</td></tr></table>'
        if advice
        else ""
    )
    return (
        f'<table {_TABLE} style="margin:0 0 14px"><tr><td style="padding:0 0 0 12px;border-left:4px solid {ink}">'
        f"{title}{place}{told}{_rows(item)}</td></tr></table>"
    )


def _fact(label: str, fact: str, ink: str) -> str:
    return (
        f'<p style="margin:0 0 4px;font-size:14px;color:{ink}"><span style="color:{_SOFT}">{escape(label)}: </span>'
        f"{_said(fact)}</p>"
    )


def _said(text: str) -> str:
    """A sentence; what it puts between backticks is something to type."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _rows(item: Item) -> str:
    """The failing rows side by side, a line per column of their table; what all of them share stands there once."""
    if not item.rows:
        return ""
    rows = [dict(row) for row in item.rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = "".join(_line(name, [row.get(name, "") for row in rows]) for name in names)
    head = "Rij waar het om gaat" if len(rows) == 1 else "Rijen waar het om gaat"
    more = f" (en nog {item.more_rows})" if item.more_rows else ""
    return (
        f'<p style="margin:8px 0 4px;font-size:13px;color:{_SOFT}">{head}{more}</p>'
        f'<table cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse">{lines}</table>'
    )


def _line(name: str, values: list[str]) -> str:
    cell = f"padding:3px 8px;border:1px solid {_LINE};font-size:13px;text-align:left;vertical-align:top"
    head = f'<th style="{cell};font-weight:normal;color:{_SOFT};background-color:{_PAPER}">{_breakable(name)}</th>'
    shared, span = len(set(values)) == 1, f' colspan="{len(values)}"' if len(values) > 1 else ""
    shown = [(values[0], span)] if shared else [(value, "") for value in values]
    cells = "".join(f'<td{wide} style="{cell}">{_breakable(value)}</td>' for value, wide in shown)
    return f"<tr>{head}{cells}</tr>"


def _breakable(name: str) -> str:
    """A name of a table, check or file: it may break between its words, else a phone would scroll sideways."""
    return escape(name).replace("_", "_<wbr>")


def _chip(kind: str, text: str) -> str:
    ink, paper = _COLOURS[kind]
    style = f"background-color:{paper};color:{ink};font-size:13px;font-weight:bold;padding:4px 10px;white-space:nowrap"
    return f'<span style="{style};border-radius:12px">{escape(text)}</span>'


def _link(link: str) -> str:
    """A link only for web addresses: mail programs refuse others, and nothing else may run on a click."""
    if not link.startswith(("https://", "http://")):
        return (
            f'<p style="margin:0 0 12px">Alles bekijken: <code style="word-break:break-all">{escape(link)}</code></p>'
        )
    return (
        '<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 12px"><tr>'
        f'<td bgcolor="#154273" style="background-color:#154273;padding:10px 18px"><a href="{escape(link)}" '
        'style="color:#ffffff;font-weight:bold;text-decoration:none">Alles bekijken</a></td></tr></table>'
        f'<p style="margin:0 0 12px;font-size:13px;color:{_SOFT};word-break:break-all">{escape(link)}</p>'
    )


def _confirm(command: str | None) -> str:
    if command is None:
        return ""
    return f'<p style="margin:0 0 12px">Gezien? Bevestig met: <code>{escape(command)}</code></p>'
