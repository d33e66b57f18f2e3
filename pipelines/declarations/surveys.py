"""Surveys: who was asked, what, and how many answers make a figure that one can build on.

What belongs here: the questions of a survey with their kinds and answers, and its norm for the response. What does not:
how a delivery of answers is read (`source`, where a table has one row per respondent), and what is made of the answers
(the core models).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, model_validator

from pipelines.declarations.patterns import like_pattern
from pipelines.declarations.policy import Ontwikkellijn
from pipelines.declarations.source import Answers, DelimitedReader, Source, SpreadsheetReader
from pipelines.declarations.strict import Strict

if TYPE_CHECKING:
    from pipelines.declarations.as_read import Everything, Placed

_Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_Text = Annotated[str, Field(min_length=1)]
Rows = list[dict[str, object]]

QuestionKind = Literal["share", "mark", "yes_no", "good_fair_bad", "points_100", "choice", "open_text"]

# What a delivery of answers says of the survey as a whole, in place of a question.
RESPONSE: Final = "respons"
RESPONSE_ANSWERS: Final = ("respondenten", "populatie")
# The people who answered a question of which they may choose several answers, or divide points over them.
ANSWERED: Final = "beantwoord"
FILLED_IN: Final = "ingevuld"


class Answer(Strict):
    """One answer to choose; `is_positive` counts towards the share that is positive."""

    answer: _Id
    label_nl: _Text
    is_positive: bool = False


class Question(Strict):
    """One question of a survey.

    Kinds: `share` (only a percentage is delivered), `mark` (1 to 10), `yes_no`, `good_fair_bad`, `points_100` (that are
    divided over the answers), `choice` (as many of the answers as apply), `open_text` (only whether it was filled in).
    Marks and open texts have answers of themselves.
    """

    question_id: _Id
    kind: QuestionKind
    label_nl: _Text
    ontwikkellijn: Ontwikkellijn | None = None
    answers: tuple[Answer, ...] = ()

    @model_validator(mode="after")
    def _answers_fit_the_kind(self) -> Question:
        if self.question_id == RESPONSE:
            raise ValueError(f"found question_id {RESPONSE}, which stands for the response as a whole")
        has_own = self.kind in ("share", "mark", "open_text")
        if has_own != (not self.answers):
            raise ValueError(f"found {len(self.answers)} answers to a question of kind {self.kind}")
        names = [one.answer for one in self.answers]
        if len(set(names)) != len(names) or ANSWERED in names:
            raise ValueError(f"found an answer twice or the name {ANSWERED}, expected every answer once")
        wanted = sum(one.is_positive for one in self.answers)
        if (wanted == 0) == (self.kind in ("yes_no", "good_fair_bad")):
            raise ValueError(f"found {wanted} positive answers to a question of kind {self.kind}")
        return self

    @property
    def every_answer(self) -> tuple[Answer, ...]:
        """The answers that are counted, with those that a kind has of itself."""
        if self.kind == "mark":
            return tuple(Answer.model_construct(answer=str(mark), label_nl=str(mark)) for mark in range(1, 11))
        if self.kind == "open_text":
            return (Answer(answer=FILLED_IN, label_nl="Ingevuld"),)
        return self.answers

    @property
    def items(self) -> Iterator[str]:
        """The items of the figures that a delivery of answers has of this question."""
        for one in self.every_answer:
            if self.kind == "points_100":
                yield from (f"{measure}|{self.question_id}|{one.answer}" for measure in ("punten", "kwadraten"))
            else:
                yield f"aantal|{self.question_id}|{one.answer}"
        if self.kind in ("points_100", "choice"):
            yield f"aantal|{self.question_id}|{ANSWERED}"


class Survey(Strict):
    """A survey, whoever delivers it: `sources` are all that do.

    `margin_pct` is how far off, in percentage points, a share may be with 95 % confidence; the norm for the response
    follows from it. Answers of fewer than `smallest` people are not shown. `all_inhabitants` says that every inhabitant
    could have been asked, so that they are the population where a delivery does not tell it.
    """

    survey: _Id
    label_nl: _Text
    about: Literal["clients", "residents"]
    all_inhabitants: bool = False
    reference: _Text
    sources: tuple[_Id, ...] = ()
    margin_pct: Annotated[float, Field(gt=0, le=50)] = 5.0
    smallest: Annotated[int, Field(ge=10)] = 10
    questions: tuple[Question, ...] = ()

    @model_validator(mode="after")
    def _clients_are_not_everybody(self) -> Survey:
        if self.all_inhabitants and self.about == "clients":
            raise ValueError("found all_inhabitants in a survey about clients, expected it about residents")
        return self

    @model_validator(mode="after")
    def _every_question_once(self) -> Survey:
        names = [one.question_id for one in self.questions]
        if len(set(names)) != len(names):
            raise ValueError("found a question twice, expected every question once")
        return self


def survey_rows(surveys: Iterable[Survey]) -> dict[str, Rows]:
    """The rows of the tables `declared.survey`, `survey_source`, `survey_question` and `survey_answer`."""
    surveys = list(surveys)
    return {
        "survey": [one.model_dump(exclude={"sources", "questions"}) for one in surveys],
        "survey_source": [
            {"survey": one.survey, "source_id": source_id} for one in surveys for source_id in one.sources
        ],
        "survey_question": [
            {"survey": one.survey, "sort_index": place, **question.model_dump(exclude={"answers"})}
            for one in surveys
            for place, question in enumerate(one.questions)
        ],
        "survey_answer": [
            {
                "survey": one.survey,
                "question_id": question.question_id,
                "sort_index": place,
                "answer": answer.answer,
                "label_nl": answer.label_nl,
                "is_positive": answer.is_positive,
            }
            for one in surveys
            for question in one.questions
            for place, answer in enumerate(question.every_answer)
        ],
    }


def survey_items(surveys: Iterable[Survey]) -> Rows:
    """Per source that delivers answers the items that are no indicator, for `declared.attribute`."""
    return [
        {"source_id": source_id, "item_like": like_pattern(item)}
        for survey in surveys
        for source_id in survey.sources
        for item in (
            *(f"aantal|{RESPONSE}|{answer}" for answer in RESPONSE_ANSWERS),
            *(item for question in survey.questions for item in question.items),
        )
    ]


def survey_contradictions(everything: Everything) -> Iterator[str]:
    """One line for everything that a survey and its sources or indicators do not agree on."""
    sources = {placed.item.source_id: placed for placed in everything.sources}
    surveys = {placed.item.survey: placed.item for placed in everything.surveys}
    of_source: dict[str, Placed[Survey]] = {}
    for placed in everything.surveys:
        for place, source_id in enumerate(placed.item.sources):
            if source_id not in sources:
                yield placed.problem(source_id, "a declared source", "sources", place)
            elif source_id in of_source:
                yield placed.problem(f"{source_id} a second time", "a source in one survey", "sources", place)
            else:
                of_source[source_id] = placed
                yield from _answers(sources[source_id], placed.item)
    for one in everything.indicators:
        survey = surveys.get(one.item.survey or "")
        if survey is not None and one.item.question_id not in {asked.question_id for asked in survey.questions}:
            yield one.problem(str(one.item.question_id), f"a question of the survey {survey.survey}", "question_id")
    for source_id, source in sources.items():
        if source.item.answers is not None and source_id not in of_source:
            yield source.problem("answers of no survey", "the source in the list of a survey", "answers")


def _answers(source: Placed[Source], survey: Survey) -> Iterator[str]:
    """Whether the columns of a table with one row per respondent are questions of the survey."""
    answers: Answers | None = source.item.answers
    if answers is None or not isinstance(source.item.reader, DelimitedReader | SpreadsheetReader):
        return
    kinds = {asked.question_id: asked.kind for asked in survey.questions}
    types = {column.name: column.type for column in source.item.reader.columns}
    divided = {
        f"{asked.question_id}|{one.answer}"
        for asked in survey.questions
        if asked.kind in ("points_100", "choice")
        for one in asked.answers
    }
    for name, asked_as in answers.columns.items():
        question = asked_as.partition("|")[0]
        kind = kinds.get(question)
        if kind is None:
            yield source.problem(question, f"a question of the survey {survey.survey}", "answers", "columns", name)
        elif (kind in ("points_100", "choice")) != (asked_as in divided):
            yield source.problem(asked_as, f"an answer of it, as question|answer: it is of kind {kind}", "answers")
        elif (kind == "open_text") != (types[name] == "open_text"):
            yield source.problem(f"{name} of type {types[name]}", f"a column that fits kind {kind}", "answers")
