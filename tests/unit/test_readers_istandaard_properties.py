"""Of any message at all: what goes in is accounted for, and of a person nothing comes out but the pseudonym."""

from __future__ import annotations

import datetime as dt
import re

import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers.account import REASONS
from pipelines.warehouse.raw_tables import ISTANDAARD
from tests.istandaard_messages import (
    CODES,
    KEY,
    Client,
    Element,
    allocation,
    bsn,
    claim,
    message,
    read,
    request,
    source_of,
    standard_of,
    start,
    stop,
    wanted,
)
from tests.unit.test_readers_istandaard import shown

MESSAGES = tuple(CODES)
CATEGORIES = {"wmo": ["01", "02", "11", "18"], "jw": ["31", "40", "45", "49", "55"]}
ENDS = {"wmo": ["02", "19", "20", "23", "31", "39"], "jw": ["02", "20", "31", "32", "35", "39"]}

days = st.dates(dt.date(2024, 1, 1), dt.date(2027, 12, 31))
births = st.dates(dt.date(1930, 1, 1), dt.date(2019, 12, 31)).map(str)
# Long enough to fit no field of a code, and like no word of a message.
surnames = st.text("QXYZ", min_size=8, max_size=12)
people = st.integers(0, 400).map(bsn)


@st.composite
def products(draw: st.DrawFn, name: str, number: int) -> list[Element]:
    """A product as the standard has it; `number` makes it one of its kind."""
    law, kind = name[:-3], name[-3:]
    first, second = sorted((draw(days), draw(days)))
    category = draw(st.sampled_from(CATEGORIES[law]))
    extent = [
        (":Volume", str(draw(st.integers(0, 99_999)))),
        (":Eenheid", draw(st.sampled_from(["01", "04", "14", "16", "82", "83", "84"]))),
        (":Frequentie", draw(st.sampled_from("1246"))),
    ]
    product = [(":Categorie", category), *draw(st.sampled_from([[], [(":Code", f"{category}A01")]]))]
    end = draw(st.sampled_from([str(second), None]))
    returned = {"RetourCodes": [("RetourCode", code) for code in draw(st.sampled_from([["0200"], ["9307", "S300"]]))]}
    if kind == "301":
        return allocation(str(number), Product=product, Ingangsdatum=str(first), Einddatum=end, Omvang=extent)
    if kind == "305":
        return start(str(number), Product=product, Begindatum=str(first), StatusAanlevering=draw(st.sampled_from("13")))
    if kind == "307":
        reason = draw(st.sampled_from(ENDS[law]))
        ended = {"RedenBeeindiging": reason, "Einddatum": str(second)}
        return stop(str(number), Product=product, Begindatum=str(first), **ended)
    if kind in ("315", "316"):
        more = returned if kind == "316" else {}
        return request(
            f"R{number}", Product=product, ToewijzingIngangsdatum=str(first), ToewijzingEinddatum=end, **more
        )
    if kind == "317":
        unchanged: list[Element] = [("ToewijzingNummer", str(number))]
        changed = wanted(str(number), GewensteIngangsdatum=str(first), Einddatum=end, Omvang=extent)
        new = [("Product", [(":Categorie", category), (":Code", f"{number:05}")]), *wanted(None, Omvang=extent)[1:]]
        return draw(st.sampled_from([unchanged, changed, new]))
    period = [(":Begindatum", str(first)), (":Einddatum", str(second))]
    amount = [(":Bedrag", str(draw(st.integers(0, 999_999)))), (":DebetCredit", draw(st.sampled_from("DC")))]
    more = returned if kind == "325" else {}
    claimed = {"ProductCategorie": category, "ProductPeriode": period, "IngediendBedrag": amount, **more}
    return claim(f"RN{number}", **claimed)


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, str, list[Client]]:
    """A name, a message as the standard has it, and the people it is about."""
    name = draw(st.sampled_from(MESSAGES))
    many = name[-3:] in ("323", "325")
    numbers = draw(st.lists(people, min_size=1, max_size=4 if many else 1, unique=True))
    clients, number = [], 0
    for each in numbers:
        count = draw(st.integers(1, 4))
        made = [draw(products(name, number + place)) for place in range(count)]
        number += count
        clients.append(Client(each, made, surname=draw(surnames), birth=draw(births)))
    return name, message(name, clients), clients


@settings(deadline=None, max_examples=150)
@given(made=messages())
def test_every_event_of_a_right_message_is_a_row_of_its_person(made: tuple[str, str, list[Client]]) -> None:
    name, text, clients = made
    result = read(text, source_of(standard_of(name)))
    assert result.problems == ()
    counted = {row["values"]: row["counts"] for row in pc.value_counts(result.rows["person"]).to_pylist()}
    assert counted == {KEY.person(client.bsn): len(client.products) for client in clients}
    assert result.rows_in == result.rows_loaded == sum(counted.values())
    assert set(result.rows["message"].to_pylist()) == {name}
    assert result.rows["line"].to_pylist() == sorted(result.rows["line"].to_pylist())


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes, list[str]]:
    """A name, a message in which elements were lost, repeated or filled with a person, and who is in it."""
    name, text, clients = draw(messages())
    secrets = [secret for client in clients for secret in (client.bsn, client.surname)]
    lines = text.split("\n")
    first = next(place for place, line in enumerate(lines) if "Client>" in line or "Declaratie" in line)
    for _ in range(draw(st.integers(1, 3))):
        leaves = [place for place in range(first, len(lines)) if "</" in lines[place].lstrip()[1:]]
        place = draw(st.sampled_from(leaves))
        how = draw(st.sampled_from(["fill"] * 4 + ["lose", "lose", "repeat", "empty", "deeper", "broken"]))
        secret = draw(st.sampled_from(secrets))
        if how == "lose":
            del lines[place]
        elif how == "repeat":
            lines.insert(place, lines[place])
        elif how == "deeper":
            lines[place] = re.sub(r">([^<]*)<", rf"><{name}:{secret[-1]}x>\1</{name}:{secret[-1]}x><", lines[place])
        elif how == "broken":
            lines[place] += draw(st.sampled_from(["&", "<", "]]>", "<x>", "\x00", "&q;", secret]))
        else:
            lines[place] = re.sub(r">[^<]*<", f">{'' if how == 'empty' else secret}<", lines[place])
    return name, "\n".join(lines).encode(), [*secrets, *(client.birth for client in clients)]


@settings(deadline=None, max_examples=300)
@given(made=damaged())
def test_nothing_of_a_person_comes_out_of_a_damaged_message(made: tuple[str, bytes, list[str]]) -> None:
    name, data, secrets = made
    result = read(data, source_of(standard_of(name)))
    assert result.rows_in == result.rows_loaded + result.rows_quarantined
    assert result.rows.num_rows == result.rows_loaded
    assert result.rows.schema.equals(ISTANDAARD)
    assert result.problems or not result.rows_quarantined
    assert {problem.reason for problem in result.problems} <= REASONS
    everything = shown(result)
    assert [secret for secret in secrets if secret in everything] == []


@settings(deadline=None, max_examples=100)
@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "ignore"))))
def test_any_bytes_at_all_are_refused_with_a_reason(data: bytes) -> None:
    result = read(data)
    assert result.refused and result.rows_quarantined >= 1
    assert {problem.reason for problem in result.problems} <= REASONS
