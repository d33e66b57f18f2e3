"""The ten questions of docs/vragen.md, each asked of the published file of a run on the sample.

A failure means that a mart lost a column or its rows, or that the page promises a query that does not work.
"""

from __future__ import annotations

import re

import pytest

from pipelines.settings import PROJECT_ROOT
from tests.integration.conftest import Workspace

PAGE = (PROJECT_ROOT / "docs" / "vragen.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^## (\d+)\. (.+?\?)$.*?^```sql\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_ten_questions_each_with_a_query_of_its_own() -> None:
    assert [int(number) for number, _, _ in QUESTIONS] == list(range(1, 11))
    assert PAGE.count("```sql") == 10


@pytest.mark.parametrize(("number", "question", "query"), QUESTIONS, ids=[number for number, _, _ in QUESTIONS])
def test_a_question_is_answered_by_ten_lines_of_sql(
    sample_run: Workspace, number: str, question: str, query: str
) -> None:
    assert len(query.splitlines()) <= 10, question
    assert query.count(";") == 1 and query.endswith(";")
    assert sample_run.rows(query), f"nothing answers question {number}: {question}"
