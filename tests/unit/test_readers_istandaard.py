"""iWmo and iJw messages: what is read of them, what is refused, and that no person comes out."""

from __future__ import annotations

import datetime as dt
import io
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.readers.account import REASONS, ReadResult
from pipelines.readers.istandaard import names_standard
from pipelines.warehouse.raw_tables import ISTANDAARD
from tests.corpus import AnyCase
from tests.corpus_istandaard import SECRETS, cases
from tests.istandaard_messages import (
    BSN,
    KEY,
    OTHER_BSN,
    Client,
    allocation,
    claim,
    credit,
    message,
    read,
    request,
    source_of,
    standard_of,
    start,
    stop,
    wanted,
)

CASES = cases()


def shown(result: ReadResult) -> str:
    """All that leaves the reader, as one text, the bytes of its rows in a file among them."""
    stream = io.BytesIO()
    pq.write_table(result.rows, stream, compression="none")
    values = [str(value) for row in result.rows.to_pylist() for value in row.values()]
    texts = [str(result), *map(str, result.problems), *values, *result.notices]
    return "\n".join([*texts, stream.getvalue().decode("latin-1")])


def test_the_corpus_has_every_outcome_and_no_name_twice() -> None:
    assert len(CASES) >= 100
    assert max(Counter(case.name for case in CASES).values()) == 1
    assert {case.outcome for case in CASES} == {"loads", "refused", "quarantined"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_message_of_the_corpus_becomes_what_it_must(case: AnyCase) -> None:
    result = read(case.data, case.source, case.file_name)
    first = result.problems[0] if result.problems else None
    outcome = "refused" if result.refused else "quarantined" if result.rows_quarantined else "loads"
    told = None if first is None else (first.reason, first.line)
    expected = None if case.reason is None else (case.reason, case.line)
    assert (outcome, result.rows.num_rows, told) == (case.outcome, case.rows, expected), result.problems
    assert result.rows.schema.equals(ISTANDAARD)
    assert result.rows_in == result.rows_loaded + result.rows_quarantined >= 1
    assert {problem.reason for problem in result.problems} <= REASONS
    assert {problem.raw_text for problem in result.problems} <= {""}
    assert [secret for secret in SECRETS if secret in shown(result)] == []


def test_an_allocation_is_read_whole_and_of_the_person_only_the_pseudonym() -> None:
    result = read(message("wmo301", [Client(BSN, [allocation(RedenWijziging="04")])]))
    assert result.rows.to_pylist() == [
        {
            "line": 46,
            "standard": "iwmo",
            "message": "wmo301",
            "message_version": "3.2",
            "message_id": "123456",
            "message_date": dt.date(2026, 4, 2),
            "region_code": "GM9001",
            "provider_agb": "65656565",
            "person": KEY.person(BSN),
            "person_key": KEY.fingerprint,
            "event": "allocation",
            "allocation_id": "300201",
            "category": "02",
            "product_code": "02A05",
            "allocated_on": dt.date(2026, 1, 5),
            "start_date": dt.date(2026, 1, 12),
            "end_date": dt.date(2026, 12, 31),
            "volume": 3.0,
            "volume_unit": "04",
            "volume_frequency": "2",
            "amount_eurocents": None,
            "reason_code": "04",
            "referrer_type": None,
            "response_code": None,
        }
    ]


def _column(result: ReadResult, name: str) -> list[object]:
    values: list[object] = result.rows[name].to_pylist()
    return values


def test_a_claim_counts_in_eurocents_and_its_credit_counts_down() -> None:
    result = read(message("wmo323", [Client(BSN, [claim()]), Client(OTHER_BSN, [credit()])]))
    assert _column(result, "event") == ["claim", "claim_credited"]
    assert _column(result, "amount_eurocents") == [60000, -60000]
    assert _column(result, "volume") == [12.0, -12.0]
    assert _column(result, "person") == [KEY.person(BSN), KEY.person(OTHER_BSN)]
    assert result.notices == ()


def test_what_takes_a_start_or_a_stop_back_is_an_event_of_its_own() -> None:
    taken = start(StatusAanlevering="3")
    assert _column(read(message("wmo305", [Client(BSN, [start(), taken])])), "event") == ["start", "start_removed"]
    result = read(message("wmo307", [Client(BSN, [stop(StatusAanlevering="3")])]))
    assert (_column(result, "event"), _column(result, "reason_code")) == (["stop_removed"], ["19"])


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("wmo307", {"02", "20", "36", "37", "38", "39", "31", "19", "21", "22", "23"}),
        ("jw307", {"02", "20", "36", "37", "38", "39", "31", "32", "33", "34", "35"}),
    ],
)
def test_each_standard_has_reasons_of_its_own_why_something_ends(name: str, codes: set[str]) -> None:
    product = [(":Categorie", "02" if name == "wmo307" else "45")]
    stops = {f"{number:02}": stop(RedenBeeindiging=f"{number:02}", Product=product) for number in range(1, 45)}
    read_in = {
        code: read(message(name, [Client(BSN, [element])]), source_of(standard_of(name)))
        for code, element in stops.items()
    }
    assert {code for code, result in read_in.items() if result.rows_loaded} == codes
    assert {problem.reason for result in read_in.values() for problem in result.problems} == {"not_allowed"}


def test_a_request_for_a_change_says_what_stays_what_changes_and_what_is_new() -> None:
    result = read(message("wmo317", [Client(BSN, [[("ToewijzingNummer", "1")], wanted("2"), wanted(None)])]))
    assert _column(result, "event") == [
        "change_request_unchanged",
        "change_request_changed",
        "change_request_new",
    ]
    assert _column(result, "allocation_id") == ["1", "2", None]
    assert _column(result, "reason_code") == ["1", "1", "1"]


def test_of_who_referred_somebody_only_the_kind_is_read() -> None:
    result = read(message("wmo315", [Client(BSN, [request()])]))
    assert _column(result, "referrer_type") == ["02"]
    assert "Oosterling" not in shown(result)


def test_a_returned_request_is_dated_and_called_as_the_return_is() -> None:
    returned = request(RetourCodes=[("RetourCode", "9347"), ("RetourCode", "9361")])
    result = read(message("wmo316", [Client(BSN, [returned])]))
    assert _column(result, "response_code") == ["9347|9361"]
    assert (_column(result, "message_id"), _column(result, "message_date")) == (["TT-1"], [dt.date(2026, 4, 4)])


def test_an_answer_that_returns_nothing_is_one_event_of_nobody() -> None:
    result = read(message("wmo325"))
    (row,) = result.rows.to_pylist()
    assert (row["event"], row["person"], row["amount_eurocents"]) == ("claim_answered", None, 24000)
    assert row["response_code"] == "0200|8001"


def test_the_municipality_is_the_receiver_of_what_a_provider_sends() -> None:
    result = read(message("wmo305", [Client(BSN, [start()])], Ontvanger="9002", Afzender="12345678"))
    assert (_column(result, "region_code"), _column(result, "provider_agb")) == (["GM9002"], ["12345678"])


def test_a_municipality_that_does_not_exist_has_the_code_that_is_declared_for_it() -> None:
    reader = source_of().reader.model_copy(update={"region_codes": {"9999": "VB0001"}})
    result = read(message("wmo301", [Client(BSN, [allocation()])], Afzender="9999"), source_of(reader=reader))
    assert _column(result, "region_code") == ["VB0001"]


def test_a_number_is_the_same_number_with_noughts_before_it() -> None:
    result = read(message("wmo301", [Client(BSN, [allocation("000300201")])]))
    assert _column(result, "allocation_id") == ["300201"]


def test_the_same_person_has_the_same_pseudonym_in_both_laws_and_another_with_another_key() -> None:
    from pipelines.privacy.pseudonym import PseudonymKey

    product = [(":Categorie", "45")]
    wmo = read(message("wmo301", [Client(BSN, [allocation()])]))
    jw = read(message("jw301", [Client(BSN, [allocation(Product=product)])]), source_of("ijw"))
    other = read(message("wmo301", [Client(BSN, [allocation()])]), key=PseudonymKey(b"o" * 40))
    assert _column(wmo, "person") == _column(jw, "person") == [KEY.person(BSN)]
    assert _column(other, "person") != _column(wmo, "person")
    assert _column(other, "person_key") != _column(wmo, "person_key")


def test_without_a_key_nothing_is_read() -> None:
    result = read(message("wmo301", [Client(BSN, [allocation()])]), key=None)
    assert (result.refused, result.rows.num_rows) == (True, 0)
    assert [problem.reason for problem in result.problems] == ["no_pseudonym_key"]


def test_a_total_that_does_not_add_up_is_told() -> None:
    text = message("wmo323", [Client(BSN, [claim()])]).replace(">60000<", ">50000<", 1)
    assert read(text).notices == (
        "TotaalIngediendBedrag is another amount than what is loaded adds up to, 60000 eurocents",
    )


def test_a_problem_says_where_it_is_in_the_words_of_the_standard() -> None:
    result = read(message("wmo301", [Client(BSN, [allocation(Einddatum="2026-01-11")])]), name="mei.xml")
    assert [str(problem) for problem in result.problems] == [
        'mei.xml:56:5 (Einddatum): found "2026-01-11", expected 2026-01-12 or later, the day on which it starts'
    ]


def test_an_error_of_the_reader_itself_shows_nothing_of_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.readers import istandaard

    def failing(*_: object) -> None:
        raise ValueError(f"cannot convert {BSN}")

    monkeypatch.setattr(istandaard, "check_events", failing)
    with pytest.raises(RuntimeError, match=r"bericht\.xml: reading it failed with ValueError") as caught:
        read(message("wmo301", [Client(BSN, [allocation()])]))
    assert BSN not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "standard", "fits"),
    [
        (message("wmo301", [Client(BSN, [allocation()])]), "iwmo", True),
        (message("jw301", [Client(BSN, [allocation()])]), "iwmo", False),
        (message("wmo301").replace("3_2", "3_1"), "iwmo", True),
        ("<a/>", "iwmo", False),
        ("Gemeente;Jaar\n", "iwmo", False),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "iwmo", False),
        ("", "iwmo", False),
    ],
    ids=["its own", "the other standard", "an earlier version", "other XML", "a table", "entities", "nothing"],
)
def test_a_message_is_known_by_the_namespace_of_its_root(text: str, standard: str, fits: bool) -> None:
    reader = source_of(standard).reader
    assert names_standard(text.encode(), reader) is fits  # type: ignore[arg-type]


def test_many_events_are_read_in_batches_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.readers.istandaard import message as module

    monkeypatch.setattr(module, "BATCH", 7)
    products = [claim(f"RN{number}", ToewijzingNummer=str(number)) for number in range(50)]
    products[20] = claim("RN20", Eenheid="99")
    result = read(message("wmo323", [Client(BSN, products[:30]), Client(OTHER_BSN, products[30:])]))
    assert (result.rows_in, result.rows_loaded, result.rows_quarantined) == (50, 49, 1)
    assert _column(result, "allocation_id") == [str(number) for number in range(50) if number != 20]
    assert pa.compute.value_counts(result.rows["person"]).to_pylist() == [
        {"values": KEY.person(BSN), "counts": 29},
        {"values": KEY.person(OTHER_BSN), "counts": 20},
    ]
