"""Surveys: their declarations, the counting of answers, what never leaves a reader, and the formulas of sampling."""

from __future__ import annotations

import duckdb
import jinja2
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipelines.declarations.load import load_declarations
from pipelines.declarations.source import DelimitedReader, Source
from pipelines.declarations.surveys import Question, Survey
from pipelines.delivery_privacy import read_screened
from pipelines.readers import ReadResult, read_file
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.figures import create_figures

CHOSEN = {"ja": 1, "nee": 0}
SECRET = "Mijn buurman heet Kees van Voorbeeld"


def question(**changed: object) -> dict[str, object]:
    answers = [{"answer": "ja", "label_nl": "Ja", "is_positive": True}, {"answer": "nee", "label_nl": "Nee"}]
    return {"question_id": "weg", "kind": "yes_no", "label_nl": "Weet u de weg", "answers": answers, **changed}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "mark"}, "found 2 answers to a question of kind mark"),
        ({"answers": []}, "found 0 answers"),
        ({"answers": [{"answer": "ja", "label_nl": "Ja"}]}, "found 0 positive answers"),
        ({"kind": "choice"}, "found 1 positive answers"),
        ({"answers": [{"answer": "ja", "label_nl": "Ja", "is_positive": True}] * 2}, "found an answer twice"),
        ({"question_id": "respons"}, "stands for the response as a whole"),
    ],
)
def test_a_question_whose_answers_do_not_fit_its_kind_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Question.model_validate(question(**changed))


def test_a_mark_has_ten_answers_and_an_open_text_one() -> None:
    mark = Question(question_id="cijfer", kind="mark", label_nl="Welk cijfer")
    assert [one.answer for one in mark.every_answer] == [str(number) for number in range(1, 11)]
    text = Question(question_id="veilig", kind="open_text", label_nl="Wat maakt u veilig")
    assert list(text.items) == ["aantal|veilig|ingevuld"]


def test_a_survey_asks_a_question_once() -> None:
    with pytest.raises(ValidationError, match="found a question twice"):
        Survey.model_validate(
            {"survey": "e", "label_nl": "E", "about": "clients", "reference": "x", "questions": [question()] * 2}
        )


def test_clients_are_not_all_inhabitants() -> None:
    survey = {"survey": "e", "label_nl": "E", "reference": "x", "all_inhabitants": True}
    assert Survey.model_validate({**survey, "about": "residents"}).all_inhabitants
    with pytest.raises(ValidationError, match="found all_inhabitants in a survey about clients"):
        Survey.model_validate({**survey, "about": "clients"})


# -- one row per respondent --------------------------------------------------------------------------------------------


def table(**changed: object) -> Source:
    return Source.model_validate(
        {
            "source_id": "antwoorden",
            "title": "Antwoorden",
            "publisher": "Voorbeeld",
            "licence": "geen",
            "cadence": "yearly",
            "profiles": ["sample"],
            "origin": {"producer": "x", "citation": "y", "fictional": True},
            "connector": {"kind": "folder", "pattern": "antwoorden*.csv"},
            "person_level": True,
            "reader": {
                "kind": "delimited",
                "encoding": "utf-8",
                "delimiter": ";",
                "key": [],
                "columns": [
                    {"header": "Gemeente", "name": "gemeente", "type": "region_code"},
                    {"header": "Jaar", "name": "jaar", "type": "year"},
                    {"header": "Weg", "name": "weg", "type": "text", "nullable": True, "allowed": ["Ja", "Weet niet"]},
                    {"header": "Cijfer", "name": "cijfer", "type": "integer", "nullable": True, "maximum": 10},
                    {
                        "header": "Sport",
                        "name": "sport",
                        "type": "text",
                        "nullable": True,
                        "codes": {"ja": 1, "nee": 0},
                    },
                    {"header": "Wmo", "name": "wmo", "type": "integer", "nullable": True},
                    {"header": "Veilig", "name": "veilig", "type": "open_text", "nullable": True},
                ],
            },
            "answers": {
                "columns": {
                    "weg": "weg",
                    "cijfer": "cijfer",
                    "sport": "actief|sport",
                    "wmo": "redden|wmo",
                    "veilig": "veilig",
                }
            },
            **changed,
        }
    )


class _Codes:
    """Every code is a region; no name is."""

    def resolve_codes(self, codes: pa.Array) -> pa.Array:
        return codes

    def resolve_names(self, names: pa.Array) -> pa.Array:
        raise AssertionError(names)

    def ambiguous(self, name: str) -> tuple[str, ...]:
        raise AssertionError(name)

    def suggest(self, name: str) -> tuple[str, ...]:
        raise AssertionError(name)


def read(text: str) -> ReadResult:
    return read_file("antwoorden.csv", text.encode(), table(), _Codes(), None)


HEADER = "Gemeente;Jaar;Weg;Cijfer;Sport;Wmo;Veilig\n"


def test_of_an_open_text_only_whether_it_was_filled_in_leaves_the_reader() -> None:
    result = read(HEADER + f"VB0001;2023;Ja;8;ja;60;{SECRET}\nVB0001;2023;Ja;8;ja;60;\n")
    assert result.rows["veilig"].to_pylist() == [1, 0]
    assert SECRET not in str(result.rows.to_pylist()) + str(result.no_data.to_pylist())


def test_a_row_with_a_fault_tells_nothing_of_what_somebody_wrote() -> None:
    wrong_mark = f"VB0001;2023;Ja;elf;ja;60;{SECRET}"
    shifted = f"VB0001;2023;Ja;8;ja;60;{SECRET};{SECRET}"
    result = read("\n".join([HEADER + wrong_mark, shifted, "VB0001;2023;Ja;8;ja;60;x", ""]))
    assert (result.rows_loaded, result.rows_quarantined) == (1, 2)
    assert SECRET not in str(result.problems) + str(result.no_data.to_pylist())


def test_the_copy_that_is_kept_reads_the_same_and_holds_nothing_that_was_written() -> None:
    data = (HEADER + f"VB0001;2023;Ja;8;ja;60;{SECRET}\nVB0001;2023;Weet niet;;nee;;\n").encode()
    screened = read_screened("antwoorden.csv", data, table(), _Codes())
    assert not screened.may_keep_bytes
    (kept,) = screened.in_place_of_bytes.values()
    assert SECRET.encode() not in kept
    again = read_screened("antwoorden.csv", kept, table(), _Codes())
    assert again.result.rows.equals(screened.result.rows)


def test_the_answers_of_respondents_are_counted() -> None:
    rows = read(HEADER + "VB0001;2023;Ja;8;ja;60;iets\nVB0001;2023;Weet niet;6;nee;20;\nVB0001;2023;;8;;;\n").rows
    source = table()
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.register("incoming", rows)
        connection.execute("create table raw.antwoorden as select 'v1' as vintage_id, * from incoming")
        create_figures(connection, [source])
        found = connection.execute(
            "select item, region_code, period_code, value from raw.figure where value is not null order by item"
        ).fetchall()
    assert {(region, period) for _, region, period, _ in found} == {("VB0001", "2023")}
    assert {item: value for item, _, _, value in found} == {
        "aantal|respons|respondenten": 3,
        "aantal|weg|ja": 1,
        "aantal|weg|weet_niet": 1,
        "aantal|cijfer|6": 1,
        "aantal|cijfer|8": 2,
        "aantal|actief|sport": 1,
        "aantal|actief|beantwoord": 2,
        "punten|redden|wmo": 80,
        "kwadraten|redden|wmo": 4000,
        "aantal|redden|beantwoord": 2,
        "aantal|veilig|ingevuld": 1,
    }


def test_a_table_of_respondents_is_about_people_and_its_bytes_are_not_kept() -> None:
    with pytest.raises(ValidationError, match="found false, expected true of a table with one row per respondent"):
        table(person_level=False)
    with pytest.raises(ValidationError, match="an open_text column is for a table with `answers`"):
        table(answers=None)
    with pytest.raises(ValidationError, match="'onbekend' is not a declared column"):
        table(answers={"columns": {"onbekend": "weg"}})


def test_every_column_of_the_bundled_tables_is_a_question_and_every_answer_is_allowed() -> None:
    declared = load_declarations(PROJECT_ROOT / "sources", "live")
    (survey,) = [one for one in declared.surveys if one.survey == "inwonersenquete"]
    each = declared.source("inwonersenquete_antwoorden")
    assert each.answers is not None
    assert {asked.partition("|")[0] for asked in each.answers.columns.values()} == {
        one.question_id for one in survey.questions
    }
    counted = declared.source("inwonersenquete").reader
    assert isinstance(counted, DelimitedReader)
    allowed = {column.name: set(column.allowed) for column in counted.columns}
    items = [item.split("|") for one in survey.questions for item in one.items]
    assert {asked for _, asked, _ in items} <= allowed["vraag"]
    assert {answer for _, _, answer in items} <= allowed["antwoord"]


# -- sampling ----------------------------------------------------------------------------------------------------------


def computed(expression: str) -> float | None:
    """What a macro of sampling makes of numbers."""
    macros = (PROJECT_ROOT / "dbt_project" / "macros" / "sample_size.sql").read_text(encoding="utf-8")
    sql = jinja2.Environment(autoescape=False).from_string(f"{macros}{{{{ {expression} }}}}").render()  # noqa: S701
    value = duckdb.sql(f"select {sql}").fetchall()[0][0]
    return None if value is None else float(value)


@pytest.mark.parametrize(
    ("population", "margin", "norm"),
    [("1000", "5", 278), ("null", "5", 385), ("100", "5", 80), ("1000000", "5", 384), ("null", "10", 97)],
)
def test_the_norm_for_the_response_is_smaller_in_a_small_population(population: str, margin: str, norm: int) -> None:
    assert computed(f"response_norm('{population}', '{margin}')") == norm


@pytest.mark.parametrize(
    ("share", "answers", "low", "high"),
    [
        (50, 50, 36.6445, 63.3555),
        (0, 10, 0, 27.7533),
        (100, 10, 72.2467, 100),
        (83, 385, 78.9262, 86.4218),
    ],
)
def test_the_interval_of_a_share_is_that_of_wilson(share: float, answers: int, low: float, high: float) -> None:
    assert computed(f"wilson_low('{share}', '{answers}')") == pytest.approx(low, abs=1e-3)
    assert computed(f"wilson_high('{share}', '{answers}')") == pytest.approx(high, abs=1e-3)


def test_there_is_no_interval_without_respondents() -> None:
    assert computed("wilson_low('83', 'null::bigint')") is None
    assert computed("wilson_high('83', 'null::bigint')") is None
    assert computed("mean_half('60', 'null::double', '10')") is None
    assert computed("within(1, 10, 'null::double')") is None


@pytest.mark.parametrize(("answers", "quantile"), [(10, 2.26216), (20, 2.09302), (200, 1.97196)])
def test_the_interval_of_a_mean_is_that_of_student(answers: int, quantile: float) -> None:
    # half of the answers 6 and half 8: the standard error is sqrt(n / (n - 1)) / sqrt(n)
    half = computed(f"mean_half('{7.0 * answers}', '{50.0 * answers}', '{answers}')")
    assert half == pytest.approx(quantile / (answers - 1) ** 0.5, rel=0.005)
