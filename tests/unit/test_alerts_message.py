"""The text of an alert: complete for a policy adviser, short where there is much, safe as HTML."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.alerts.content import period_nl
from pipelines.alerts.findings import Finding, RunFindings
from pipelines.alerts.message import Message, compose, message_id_of

# Half past nine in the evening of 28 February in UTC is the same evening in the Netherlands, an hour later.
FINISHED = dt.datetime(2026, 2, 28, 20, 30, tzinfo=dt.UTC)


def a_finding(number: int = 0, **changes: object) -> Finding:
    values: dict[str, object] = {
        "check": "marts_break_explained",
        "severity": "warning",
        "key": f"GM0383|wmo_hulp|{number:03d}",
        "title_nl": f"Onverklaarde sprong nummer {number}",
        "cause_nl": "Een andere telwijze bij de aanbieder",
        "next_step_nl": "Vraag het na bij de gemeente",
        "region_code": "GM0383",
        "region_name": "Castricum",
        "indicator_id": "wmo_hulp",
        "indicator_label": "Hulp bij het huishouden",
        "period_code": "2016H2",
    }
    return Finding(**(values | changes))  # type: ignore[arg-type]


def a_message(
    new: tuple[Finding, ...] = (),
    resolved: tuple[Finding, ...] = (),
    still_open: int = 0,
    link: str = "https://monitor.example.nl/",
    **changes: object,
) -> Message:
    values: dict[str, object] = {
        "run_id": "run-1",
        "finished_at": FINISHED,
        "evaluated_checks": frozenset(),
        "findings": new,
    }
    run = RunFindings(**(values | changes))  # type: ignore[arg-type]
    return compose(run, new, resolved, still_open=still_open, link=link, created_at=FINISHED)


class TextOf(HTMLParser):
    """The text a reader sees, and the tags that are really there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("new", "resolved", "changes", "subject"),
    [
        (3, 1, {}, "Nulmeting: 3 nieuwe bevindingen, 1 opgelost"),
        (1, 0, {}, "Nulmeting: 1 nieuwe bevinding"),
        (0, 1, {}, "Nulmeting: 1 bevinding opgelost"),
        (0, 2, {}, "Nulmeting: 2 bevindingen opgelost"),
        (
            1,
            0,
            {"status": "failed", "failed_step": "dbt_build"},
            "Nulmeting: run mislukt bij dbt_build, 1 nieuwe bevinding",
        ),
    ],
)
def test_the_subject_counts_what_is_new_and_what_is_resolved(
    new: int, resolved: int, changes: dict[str, object], subject: str
) -> None:
    message = a_message(tuple(map(a_finding, range(new))), tuple(map(a_finding, range(100, 100 + resolved))), **changes)
    assert message.subject == subject


def test_a_finding_is_told_with_region_indicator_period_cause_next_step_and_link() -> None:
    message = a_message((a_finding(1),))
    for body in (message.text, TextOf(message.html).text):
        for told in (
            "Onverklaarde sprong nummer 1",
            "Regio: Castricum (GM0383)",
            "Indicator: Hulp bij het huishouden (wmo_hulp)",
            "Periode: tweede halfjaar 2016 (2016H2)",
            "Oorzaak: Een andere telwijze bij de aanbieder",
            "Wat te doen: Vraag het na bij de gemeente",
            "https://monitor.example.nl/",
            "De run van 28 februari 2026 om 21:30 is klaar",
            message.message_id,
        ):
            assert told in body


def test_what_explains_this_very_row_stands_instead_of_the_usual_cause_and_next_step() -> None:
    row = {"break_id": "b1", "effect_pct": 41.3}
    message = a_message((a_finding(explanation_nl="Sinds 2018 ligt het hoger. Vraag de gemeente.", rows=(row,)),))
    assert "    Toelichting: Sinds 2018 ligt het hoger. Vraag de gemeente." in message.text
    assert "Toelichting: Sinds 2018 ligt het hoger." in TextOf(message.html).text
    assert "Oorzaak" not in message.text and "Wat te doen" not in message.text
    assert message.payload["new"][0]["explanation_nl"].startswith("Sinds 2018")
    assert "Rij:" not in message.text
    assert message.payload["new"][0]["rows"] == [row]


def test_what_a_finding_does_not_have_is_not_printed() -> None:
    nowhere = a_finding(region_code=None, region_name=None, indicator_id=None, indicator_label=None, period_code=None)
    text = a_message((nowhere,)).text
    assert "None" not in text
    assert not any(label in text for label in ("Regio:", "Indicator:", "Periode:"))


def test_a_figure_of_voorbeeldland_is_marked_fictional_and_a_real_one_is_not() -> None:
    invented = a_finding(region_code="VB0001", region_name="Aalderveen")
    assert "Aalderveen (VB0001), Voorbeeldland, fictief" in a_message((invented,)).text
    together = a_finding(region_code="SV-VB-X", region_name="Vierstromen")
    assert "Vierstromen (SV-VB-X), Voorbeeldland, fictief" in a_message((together,)).text
    assert "Aalderveen (VB0001), Voorbeeldland, fictief" in a_message((), (invented,)).text
    assert "Aalderveen (VB0001), Voorbeeldland, fictief" in a_message((invented,)).html
    assert "fictief" not in a_message((a_finding(),)).text


@pytest.mark.parametrize(
    ("number", "rest"),
    [
        (20, None),
        (21, "en nog 1 andere bevinding van deze controle"),
        (45, "en nog 25 andere bevindingen van deze controle"),
    ],
)
def test_each_check_names_twenty_findings_and_counts_the_rest(number: int, rest: str | None) -> None:
    other = a_finding(check="core_totals")
    message = a_message((*map(a_finding, range(number)), other))
    for body in (message.text, TextOf(message.html).text):
        assert body.count("Onverklaarde sprong nummer") == min(number, 20) + 1
        assert ("en nog" in body) == (rest is not None)
        assert rest is None or rest in body
    assert message.payload["new_count"] == number + 1


def test_the_gravest_check_comes_first() -> None:
    text = a_message(
        (
            a_finding(check="a_warning"),
            a_finding(check="b_error", severity="error"),
            a_finding(check="c_blocking", severity="blocking"),
        )
    ).text
    assert text.index("c_blocking (1, blokkerend)") < text.index("b_error (1, fout)")
    assert text.index("b_error (1, fout)") < text.index("a_warning (1, waarschuwing)")


def test_what_stays_open_is_counted_and_quarantine_is_told() -> None:
    text = a_message((a_finding(),), still_open=10, quarantined=1).text
    assert "10 bevindingen stonden al open en worden hier niet herhaald." in text
    assert "1 rij is geweigerd en staat in quarantaine." in text
    assert "5 rijen zijn geweigerd" in a_message((a_finding(),), quarantined=5).text
    assert "quarantaine" not in a_message((a_finding(),)).text


def test_a_failed_run_says_that_nothing_new_was_published() -> None:
    text = a_message((a_finding(),), status="failed", failed_step="swap").text
    assert "is mislukt bij de stap 'swap'. Een eerdere publicatie blijft zoals zij was." in text
    assert "vernieuwd" not in text


def test_failing_rows_are_shown_up_to_three() -> None:
    rows = tuple({"file": "ceo.xlsx", "line": line, "found": None} for line in range(1, 6))
    text = a_message((a_finding(rows=rows),)).text
    assert "Rij: file = ceo.xlsx, line = 3, found = –" in text
    assert "line = 4" not in text
    assert "Rij: en nog 2" in text


def test_a_failing_row_leaves_out_what_is_said_in_words_and_rounds_its_figures() -> None:
    rows = (
        {"region_code": "GM0383", "period_code": "2016H2", "effect_pct": -41.123456},
        {"region_code": "x"},
    )
    lines = [line.strip() for line in a_message((a_finding(rows=rows),)).text.splitlines()]
    assert [line for line in lines if line.startswith("Rij:")] == ["Rij: effect_pct = -41.1235"]


@given(st.text(st.sampled_from("<>&\"'abc é/"), min_size=1, max_size=40))
def test_no_text_of_a_delivery_becomes_markup(text: str) -> None:
    names = dict.fromkeys(("title_nl", "cause_nl", "region_name", "indicator_label", "period_code", "key"), text)
    finding = a_finding(**names, check=text, rows=({text: text},))
    read = TextOf(a_message((finding,), (finding,)).html)
    assert read.tags <= {
        "html",
        "head",
        "meta",
        "body",
        "h1",
        "h2",
        "h3",
        "p",
        "title",
        "table",
        "tr",
        "th",
        "td",
        "span",
        "wbr",
        "code",
        "a",
    }
    assert read.text.count(text) >= 6


def test_only_a_web_address_becomes_a_link() -> None:
    assert (
        'href="https://monitor.example.nl/?a=1&amp;b=2"'
        in a_message((a_finding(),), link="https://monitor.example.nl/?a=1&b=2").html
    )
    assert "href" not in a_message((a_finding(),), link="javascript:alert(1)").html
    assert "href" not in a_message((a_finding(),), link="/srv/data/data_docs/index.html").html


@given(st.sets(st.text(min_size=1), max_size=5), st.sets(st.text(min_size=1), max_size=5))
def test_the_id_depends_on_the_run_and_the_keys_and_not_on_their_order(new: set[str], gone: set[str]) -> None:
    one = message_id_of("run-1", list(new), list(gone))
    assert one == message_id_of("run-1", list(reversed(list(new))), sorted(gone))
    assert one != message_id_of("run-2", list(new), list(gone))
    if new != gone:
        assert one != message_id_of("run-1", list(gone), list(new))
    assert len(one) == 32


def test_the_payload_names_the_keys_so_that_a_machine_can_follow_them() -> None:
    payload = a_message((a_finding(1),), (a_finding(2),), still_open=4).payload
    assert [finding["full_key"] for finding in payload["new"]] == ["marts_break_explained|GM0383|wmo_hulp|001"]
    assert [finding["full_key"] for finding in payload["resolved"]] == ["marts_break_explained|GM0383|wmo_hulp|002"]
    assert (payload["kind"], payload["still_open"]) == ("mixed", 4)


@pytest.mark.parametrize(
    ("code", "spoken"),
    [
        ("2016", "2016"),
        ("2016H1", "eerste halfjaar 2016"),
        ("2016Q3", "3e kwartaal 2016"),
        ("2016M07", "juli 2016"),
        ("2016M13", "2016M13"),
        ("onbekend", "onbekend"),
    ],
)
def test_a_period_is_spoken_in_dutch(code: str, spoken: str) -> None:
    assert period_nl(code) == spoken
