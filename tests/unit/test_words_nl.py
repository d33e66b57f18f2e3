"""The Dutch words for codes: every code that a declaration or a step may use has one."""

from __future__ import annotations

from typing import get_args

import duckdb
import jinja2
import pytest

from pipelines.breaks import attribution, result
from pipelines.declarations.catalogue import Event, Unit
from pipelines.declarations.source import Cadence
from pipelines.settings import PROJECT_ROOT

KINDS, NATURES = (get_args(Event.model_fields[name].annotation) for name in ("kind", "nature"))
CODES = {
    "break_cause_nl": (attribution.EXPLAINED, attribution.AMBIGUOUS, attribution.UNEXPLAINED),
    "break_kind_nl": (result.LEVEL, result.ONE_OFF, result.SCALE, result.GAP),
    "cadence_nl": get_args(Cadence),
    "event_kind_nl": KINDS,
    "event_nature_nl": NATURES,
    "unit_nl": get_args(Unit),
}


def word(macro: str, code: str) -> str | None:
    """What a macro of `words_nl.sql` calls a code."""
    macros = (PROJECT_ROOT / "dbt_project" / "macros" / "words_nl.sql").read_text(encoding="utf-8")
    call = f"{{{{ {macro}('code') }}}}"
    sql = jinja2.Environment(autoescape=False).from_string(macros + call).render()  # noqa: S701
    (found,) = duckdb.execute(f"select {sql} from (select ? as code)", [code]).fetchall()
    return None if found[0] is None else str(found[0])


@pytest.mark.parametrize("macro", sorted(CODES))
def test_every_code_has_a_word_of_its_own(macro: str) -> None:
    words = [word(macro, code) for code in CODES[macro]]
    assert len(words) > 2
    assert None not in words
    assert len(set(words)) == len(words)


def test_a_subject_of_complaints_is_written_as_a_word() -> None:
    assert word("subject_nl", "wachttijd") == "Wachttijd"
    assert word("subject_nl", "totaal") == "Alle onderwerpen samen"
