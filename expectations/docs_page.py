"""The markup of the Data Docs: one index, one page per table, in Dutch, without anything from elsewhere.

What belongs here: HTML and styles. What does not: which results are shown, and how a value becomes text.
All that is filled in is escaped. A status is always said in words, never by colour alone.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from jinja2 import Environment

_STATUS_NL = {"passed": "voldoet", "failed": "voldoet niet", "not_evaluated": "niet gecontroleerd"}
_SEVERITY_NL = {"blocking": "blokkerend", "error": "fout", "warning": "waarschuwing"}
_GRAVITY = ("blocking", "error", "warning")
_LAYERS = ("raw", "core", "marts")
_LAYERS_NL = {"raw": "Zoals geleverd (raw)", "core": "Samengebracht (core)", "marts": "Voor gebruik (marts)"}
_COLUMNS_NL = {
    "because": "waarom",
    "break_id": "breuk",
    "clients_per_1000": "per 1.000 inwoners",
    "column_name": "kolom",
    "column_type": "gedeclareerd type",
    "comparison": "vergeleken met",
    "delivery_nl": "levering",
    "difference_eur": "verschil (euro)",
    "difference_pct": "verschil (%)",
    "changed": "veranderd",
    "compared": "vergeleken",
    "delivered_members": "leverden",
    "effect_high": "hoogstens (%)",
    "effect_low": "minstens (%)",
    "effect_pct": "verandering (%)",
    "factor": "factor",
    "file": "bestand",
    "fiscal_year": "jaar",
    "found_type": "gevonden type",
    "geography": "grenzen",
    "indicator_id": "indicator",
    "item": "onderwerp",
    "items": "onderwerpen",
    "kind_nl": "soort",
    "line": "regel",
    "missing_members": "leverden niet",
    "national_clients_per_1000": "landelijk per 1.000",
    "new_vintage_id": "nieuwe versie",
    "old_vintage_id": "vorige versie",
    "other_source_id": "andere bron",
    "other_value": "andere waarde",
    "outside_range_by": "buiten de grens met",
    "period_code": "periode",
    "printed_eur": "gedrukt (euro)",
    "provision": "voorziening",
    "reason_nl": "reden",
    "region_code": "regio",
    "rounding_remainder": "rest na afronden",
    "rows_failing": "rijen",
    "side": "kant",
    "source_id": "bron",
    "standing": "stand",
    "summed_eur": "opgeteld (euro)",
    "unit": "eenheid",
    "value": "waarde",
    "vintage_id": "versie",
    "vintage_label": "uitgave",
}

_TOLD_BELOW = "explanation_nl"  # sentences: across the table, below the row that they are about
_CODE = re.compile("`([^`]+)`")
_NUMBER = re.compile(r"[-+]?\d[\d.,]*|–")

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --soft: #52606d; --line: #d5dbe1; --page: #fff;
  --tint: #f4f6f8; --good: #14653b; --warning: #8a4b08; --error: #9b1c1c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebef; --soft: #a9b4c0; --line: #3a4651;
  --page: #171c21; --tint: #20272e; --good: #7bd3a2; --warning: #f2b66d; --error: #f59a9a; } }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 0 0 .25rem; }
a { color: inherit; text-underline-offset: .3em; } .soft { color: var(--soft); } code { font-size: .85em; }
.status { font-weight: 600; } .passed { color: var(--good); } .failed.warning { color: var(--warning); }
.failed, .not_evaluated { color: var(--error); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--soft); padding: .5rem 0 .25rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; } tbody tr:hover { background: var(--tint); }
.number { text-align: right; font-variant-numeric: tabular-nums; } td.number { white-space: nowrap; }
tr.above td { border-bottom: 0; padding-bottom: 0; }
section.check { border: 1px solid var(--line); border-radius: .4rem; padding: 1rem; margin: 1rem 0; }
section.check:target { background: var(--tint); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; } h1, dd { overflow-wrap: anywhere; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
"""

_BASE = """<!DOCTYPE html>
<html lang="nl">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{% block title %}{% endblock %}</title>
<style>{{ style }}</style>
</head>
<body>
{% block body %}{% endblock %}
<p class="soft">Gecontroleerd met Great Expectations. Voorbeeldland en zijn gemeenten zijn fictief.</p>
</body>
</html>
"""

_HEAD = """{% macro head(names, numbers=(), told=-1) -%}
<thead><tr>
{% for name in names %}{% if loop.index0 != told %}
<th scope="col"{{ ' class="number"' | safe if loop.index0 in numbers }}>{{ columns.get(name, name) }}</th>{% endif %}
{% endfor %}
</tr></thead>
{%- endmacro %}
"""

_INDEX = """{% extends "base" %}
{% from "head" import head with context %}
{% block title %}Controles van run {{ run_id }}{% endblock %}
{% block body %}
<header>
<h1>Controles op de gegevens</h1>
<p class="soft">Run {{ run_id }}, {{ moment }}</p>
<p>{{ counts.all }} controles: {{ counts.passed }} voldoen, {{ counts.failed }} voldoen niet
{%- if counts.not_evaluated %}, {{ counts.not_evaluated }} konden niet worden uitgevoerd{% endif %}.</p>
</header>
<main>
{% if open %}
<h2>Vraagt aandacht</h2>
<div class="scroll"><table>
{{ head(["Wat", "Ernst", "Gezien", "Tabel"]) }}
<tbody>
{% for check in open %}
<tr><td><a href="{{ check.asset }}.html#{{ check.name }}">{{ check.title_nl }}</a></td>
<td class="status {{ check.status }} {{ check.severity }}">{{ severities[check.severity] }}</td>
<td>{{ check.observed }}</td><td><code>{{ check.asset }}</code></td></tr>
{% endfor %}
</tbody></table></div>
{% endif %}
{% for layer, tables in layers %}
<h2>{{ layer }}</h2>
<div class="scroll"><table>
{{ head(["Tabel", "Verwachting", "Uitkomst", "Gezien"]) }}
<tbody>
{% for table in tables %}{% for check in table.checks %}
<tr><td>{% if loop.first %}<a href="{{ table.asset }}.html"><code>{{ table.asset }}</code></a>{% endif %}</td>
<td><a href="{{ table.asset }}.html#{{ check.name }}">{{ check.statement }}</a></td>
<td class="status {{ check.status }} {{ check.severity }}">{{ statuses[check.status] }}</td>
<td>{{ check.observed }}</td></tr>
{% endfor %}{% endfor %}
</tbody></table></div>
{% endfor %}
</main>
{% endblock %}
"""

_TABLE = """{% extends "base" %}
{% from "head" import head with context %}
{% block title %}{{ asset }}: controles van run {{ run_id }}{% endblock %}
{% block body %}
<header>
<p><a href="index.html">Alle controles</a></p>
<h1><code>{{ asset }}</code></h1>
<p class="soft">Run {{ run_id }}, {{ moment }}</p>
</header>
<main>
{% for check in checks %}
<section class="check" id="{{ check.name }}">
<h3>{{ check.statement }}</h3>
<p class="status {{ check.status }} {{ check.severity }}">{{ statuses[check.status] | capitalize -}}
{% if check.status != "passed" %} ({{ severities[check.severity] }}): {{ check.title_nl }}{% endif %}</p>
<dl>
<dt>Gezien</dt><dd>{{ check.observed }}</dd>
{% if check.error %}<dt>Fout</dt><dd>{{ check.error }}</dd>{% endif %}
<dt>Vindt</dt><dd>{{ check.detects_nl | prose }}</dd>
<dt>Meestal</dt><dd>{{ check.usual_cause_nl | prose }}</dd>
<dt>Wat te doen</dt><dd>{{ check.next_step_nl | prose }}</dd>
<dt>Naam</dt><dd><code>{{ check.name }}</code> (<code>{{ check.expectation }}</code>)</dd>
</dl>
{% if check.rows %}
<div class="scroll"><table>
<caption>{% if check.rows | length < check.failing_keys %}De eerste {{ check.rows | length }} van {% endif -%}
{{ check.failing_keys }} {{ "bevinding" if check.failing_keys == 1 else "bevindingen" }}</caption>
{% set numbers = number_columns(check.rows) %}
{% set told = check.columns.index(told_below) if told_below in check.columns else -1 %}
{{ head(check.columns, numbers, told) }}
<tbody>
{% for row in check.rows %}<tr{{ ' class="above"' | safe if told >= 0 }}>
{% for cell in row %}{% if loop.index0 != told %}
<td{{ ' class="number"' | safe if loop.index0 in numbers }}>{{ cell }}</td>{% endif %}{% endfor %}</tr>
{% if told >= 0 %}<tr><td colspan="{{ row | length - 1 }}">{{ row[told] | prose }}</td></tr>
{% endif %}
{% endfor %}
</tbody></table></div>
{% endif %}
</section>
{% endfor %}
</main>
{% endblock %}
"""


def render_table(table: Mapping[str, Any]) -> str:
    """The page of one table: `asset`, `run_id`, `written_at` and `checks` as `docs` keeps them."""
    moment = _moment(dt.datetime.fromisoformat(table["written_at"]))
    return _templates().get_template("table").render(table, moment=moment)


def render_index(tables: Sequence[Mapping[str, Any]], run_id: str, written: dt.datetime) -> str:
    """The page of all tables of a run, what asks for attention first."""
    checks = [{**check, "asset": table["asset"]} for table in tables for check in table["checks"]]
    layers = [
        (_LAYERS_NL[layer], [table for table in tables if table["asset"].startswith(f"{layer}.")]) for layer in _LAYERS
    ]
    return (
        _templates()
        .get_template("index")
        .render(
            run_id=run_id,
            moment=_moment(written),
            counts={status: sum(c["status"] == status for c in checks) for status in _STATUS_NL} | {"all": len(checks)},
            open=sorted(
                (check for check in checks if check["status"] != "passed"),
                key=lambda check: (_GRAVITY.index(check["severity"]), check["asset"], check["name"]),
            ),
            layers=[(name, of_layer) for name, of_layer in layers if of_layer],
        )
    )


def _moment(moment: dt.datetime) -> str:
    return f"{moment.astimezone(ZoneInfo('Europe/Amsterdam')):%d-%m-%Y %H:%M}"


def _prose(text: str) -> Markup:
    """A text as a sentence, its words between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text[:1].upper() + text[1:]))))  # noqa: S704 - escaped


def _number_columns(rows: Sequence[Sequence[str]]) -> set[int]:
    """Positions of the columns that hold numbers only, which stand to the right."""
    return {
        position
        for position, cells in enumerate(zip(*rows, strict=True))
        if all(_NUMBER.fullmatch(cell) for cell in cells)
    }


@cache
def _templates() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    environment = Environment(
        loader=DictLoader({"base": _BASE, "head": _HEAD, "index": _INDEX, "table": _TABLE}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.globals |= {
        # Not escaped: in a style sheet an escaped quotation mark is an error, and the whole rule is dropped.
        "style": Markup(_STYLE),  # noqa: S704 - a constant
        "statuses": _STATUS_NL,
        "severities": _SEVERITY_NL,
        "columns": _COLUMNS_NL,
        "number_columns": _number_columns,
        "told_below": _TOLD_BELOW,
    }
    environment.filters["prose"] = _prose
    return environment
