"""The figures of a table with one row per respondent: its answers, counted, in the shape of `raw.figure`.

What belongs here: counting. What does not: which answers a question has (`declarations.surveys`), and what is made of
the counts (the core models). The items are those that a delivery of counted answers has: `aantal|<question>|<answer>`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipelines.declarations.source import Answers, DelimitedReader, Source, SpreadsheetReader
from pipelines.declarations.surveys import ANSWERED, FILLED_IN, RESPONSE, RESPONSE_ANSWERS

_EMPTY: Final = "cast(null as varchar) as {}"
_LAST: Final = ("text_value", "source_flag", "unit", "part", "column_name")


def counted_answers(source: Source, reader: DelimitedReader | SpreadsheetReader, answers: Answers) -> Iterator[str]:
    """One select per sort of count, each with the columns of `raw.figure`."""
    period = "null" if reader.period_column is None else f"trim(cast({_name(reader.period_column.name)} as varchar))"
    types = {column.name: column for column in reader.columns}
    table = f'raw."{source.source_id}"'

    def counted(item: str, value: str, where: str = "true") -> str:
        # Groups that hold nothing are no figures: of a question that nobody answered there is nothing to say.
        return (
            f"select {_text(source.source_id)} as source_id, vintage_id, {item} as item, region_code, "
            f"{period} as period_code, {_EMPTY.format('period_status')}, cast({value} as double) as value, "
            f"{', '.join(map(_EMPTY.format, _LAST))} from {table} where {where} group by all"
        )

    yield counted(_text(f"aantal|{RESPONSE}|{RESPONSE_ANSWERS[0]}"), "count(*)")
    answered: dict[str, list[str]] = {}
    for name, asked in answers.columns.items():
        question, _, answer = asked.partition("|")
        column, cell = types[name], _name(name)
        if answer and column.codes:
            cases = " ".join(f"when {_text(text)} then {number!r}" for text, number in column.codes.items())
            answered.setdefault(question, []).append(f"{cell} is not null and trim({cell}) != ''")
            yield counted(_text(f"aantal|{asked}"), f"sum(case trim({cell}) {cases} end)")
        elif answer:
            answered.setdefault(question, []).append(f"{cell} is not null")
            yield counted(_text(f"punten|{asked}"), f"sum({cell})")
            yield counted(_text(f"kwadraten|{asked}"), f"sum({cell} * {cell})")
        elif column.type == "open_text":
            yield counted(_text(f"aantal|{question}|{FILLED_IN}"), f"sum({cell})")
        else:
            spelled = f"replace(lower(trim(cast({cell} as varchar))), ' ', '_')"
            missing = ", ".join(_text(text.lower()) for text in {"", *reader.missing})
            words = f"{_text(f'aantal|{question}|')} || {spelled}"
            yield counted(words, "count(*)", f"{cell} is not null and {spelled} not in ({missing})")
    for question, filled in answered.items():
        yield counted(_text(f"aantal|{question}|{ANSWERED}"), f"count(*) filter ({' or '.join(filled)})")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
