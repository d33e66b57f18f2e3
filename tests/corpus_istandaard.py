"""Odd and malformed iWmo and iJw messages, each with what must become of it.

What belongs here: one message for everything that goes wrong with them in practice, or that somebody tries on
purpose. Read them with `KEY` and `REGIONS`. `SECRETS` stand in most of them and may come out nowhere.
"""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable
from typing import Any

from tests.corpus import AnyCase, Outcome
from tests.istandaard_messages import (
    BIRTH,
    BSN,
    KEY,
    OTHER_BSN,
    REGIONS,
    REMARK,
    STREET,
    SURNAME,
    THIRD_BSN,
    Client,
    Element,
    allocation,
    claim,
    credit,
    line_of,
    message,
    request,
    source_of,
    standard_of,
    start,
    stop,
    wanted,
)

__all__ = ["KEY", "REGIONS", "SECRETS", "cases"]

# One digit is wrong in it, so that it does not pass the eleven test; it is somebody's number all the same.
MISTYPED_BSN = "999900007"
SECRETS = (BSN, OTHER_BSN, THIRD_BSN, MISTYPED_BSN, BIRTH, SURNAME, STREET, REMARK, "Sjoukje", "Oosterling", "9999XX")


def cases() -> list[AnyCase]:
    """Every case, with names that occur once."""
    return [*_loading(), *_unsafe(), *_no_message(), *_headers(), *_clients(), *_values(), *_repeats()]


def _case(
    name: str, text: str | bytes, outcome: Outcome, reason: str | None = None, line: int | None = None, **more: Any
) -> AnyCase:
    data = text if isinstance(text, bytes) else text.encode()
    source = more.pop("source", None) or source_of()
    return AnyCase(name, f"{name.replace(' ', '_')}.xml", data, source, outcome, reason=reason, line=line, **more)


def _one(name: str = "wmo301", *products: list[Element], **header: str | None) -> str:
    """A message about one person; by default with one allocation."""
    return message(name, [Client(BSN, products or (allocation(),))], **header)


def _loading() -> list[AnyCase]:
    """Nothing wrong, or nothing that does harm."""
    youth = [(":Categorie", "45"), (":Code", "45A48")]
    wmo: dict[str, tuple[list[Element], ...]] = {
        "wmo301": (allocation(), allocation("300202")),
        "wmo305": (start(),),
        "wmo307": (stop(),),
        "wmo315": (request(), request("R-2")),
        "wmo316": (request(RetourCodes=[("RetourCode", "9347")]),),
        "wmo317": ([("ToewijzingNummer", "300203")], wanted(), wanted(None)),
        "wmo323": (claim(), credit()),
        "wmo325": (claim(RetourCodes=[("RetourCode", "9307"), ("RetourCode", "9308")]),),
    }
    jw: dict[str, tuple[list[Element], ...]] = {
        "jw301": (allocation(Product=youth),),
        "jw305": (start(Product=youth),),
        "jw307": (stop(Product=youth, RedenBeeindiging="31"),),
        "jw315": (request(Product=youth),),
        "jw316": (request(Product=youth, RetourCodes=[("RetourCode", "0200")]),),
        "jw317": (wanted(), [("Product", youth), *wanted(None)[1:]]),
        "jw323": (claim(ProductCategorie="45"),),
        "jw325": (claim(ProductCategorie="45", RetourCodes=[("RetourCode", "0611")]),),
    }
    whole = [
        _case(name, _one(name, *products), "loads", rows=len(products), source=source_of(standard_of(name)))
        for name, products in {**wmo, **jw}.items()
    ]
    good = _one()
    budget = allocation(Product=None, Omvang=None, Budget="500000")
    long = f"<wmo301:Commentaar>{'x' * 3_000_000}</wmo301:Commentaar>"
    return [
        *whole,
        _case("byte order mark", codecs.BOM_UTF8 + good.encode(), "loads", rows=1),
        _case("no declaration", good.partition("\n")[2], "loads", rows=1),
        _case("all on one line", good.replace("\n", "").replace("\t", ""), "loads", rows=1),
        _case("carriage returns", good.replace("\n", "\r\n"), "loads", rows=1),
        _case("other prefixes", good.replace("wmo301:", "a:").replace(":wmo301", ":a"), "loads", rows=1),
        _case(
            "default namespace",
            good.replace("<wmo301:", "<").replace("</wmo301:", "</").replace("xmlns:wmo301", "xmlns"),
            "loads",
            rows=1,
        ),
        _case(
            "white space around values",
            good.replace(">02<", ">\n 02 \t<").replace(f">{BSN}<", f"> {BSN}\n<"),
            "loads",
            rows=1,
        ),
        _case(
            "remarks and instructions",
            good.replace("<wmo301:Client>", "<!-- x --><?y z?><wmo301:Client>"),
            "loads",
            rows=1,
        ),
        _case("characters by number", good.replace(">02<", ">&#48;&#x32;<"), "loads", rows=1),
        _case(
            "a text of three million characters",
            good.replace(f"<wmo301:Commentaar>{REMARK}</wmo301:Commentaar>", long, 1),
            "loads",
            rows=1,
        ),
        _case("a budget instead of a product", _one("wmo301", budget), "loads", rows=1),
        _case("no end date", _one("wmo301", allocation(Einddatum=None)), "loads", rows=1),
        _case(
            "ends where it starts",
            _one("wmo301", allocation(Einddatum="2026-01-12", RedenWijziging="13")),
            "loads",
            rows=1,
        ),
        _case("a start taken back", _one("wmo305", start(), start(StatusAanlevering="3")), "loads", rows=2),
        _case("a claim granted in full", message("wmo325"), "loads", rows=1),
        _case("a request taken without remarks", message("wmo316"), "loads", rows=1),
        _case("no subversion", _one(BerichtSubversie=None), "loads", rows=1),
        _case("a long identification", _one(Identificatie="2026-04-02-0000001"), "loads", rows=1),
        _case("a total that does not add up", _one("wmo323", claim()).replace("60000", "50000", 1), "loads", rows=1),
    ]


def _unsafe() -> list[AnyCase]:
    """What a message never needs, and what harms whoever reads it."""
    good = _one()
    root = good.index("<wmo301:Bericht")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    types = {
        "entities that expand to a gigabyte": f'<!DOCTYPE Bericht [<!ENTITY l0 "hahahahaha">{laughs}]>',
        "one long entity many times": f'<!DOCTYPE Bericht [<!ENTITY a "{"a" * 50_000}">]>',
        "an entity of a file": '<!DOCTYPE Bericht [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        "an entity of the network": '<!DOCTYPE Bericht [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>',
        "a document type elsewhere": '<!DOCTYPE Bericht SYSTEM "http://127.0.0.1:9/bericht.dtd">',
        "a parameter entity": '<!DOCTYPE Bericht [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p.dtd"> %p;]>',
        "an empty document type": "<!DOCTYPE Bericht>",
    }
    deep = "<wmo301:x>" * 5_000 + "</wmo301:x>" * 5_000
    return [
        *(
            _case(name, f"{good[:root]}{text}\n{good[root:]}", "refused", "unsafe_xml", 2)
            for name, text in types.items()
        ),
        _case(
            "an entity that is not declared",
            good.replace(">02A05<", ">&x;<"),
            "refused",
            "unsafe_xml",
            line_of(good, "02A05"),
        ),
        _case(
            "elements five thousand deep",
            good.replace("<wmo301:Header>", f"{deep}<wmo301:Header>"),
            "refused",
            "unsafe_xml",
            3,
        ),
        _case(
            "a code without an end",
            good.replace(">02A05<", f">{'0' * 200_000}<"),
            "refused",
            "unsafe_xml",
            line_of(good, "02A05"),
        ),
        _case(
            "a remark of three megabytes",
            good.replace("<wmo301:Header>", f"<!--{'x' * 3_000_000}--><wmo301:Header>"),
            "refused",
            "unsafe_xml",
            3,
        ),
        *(
            _case(name, good.replace("<wmo301:Header>", f"{text}<wmo301:Header>"), "refused", "unsafe_xml", 3)
            for name, text in {
                "ever new names of elements": "".join(f"<wmo301:x{n}/>" for n in range(2_000)),
                "ever new attributes": "".join(f'<wmo301:x a{n}=""/>' for n in range(2_000)),
                "ever new prefixes": "".join(f'<wmo301:x xmlns:a{n}="urn:x"/>' for n in range(2_000)),
            }.items()
        ),
        _case(
            "an attribute of three megabytes",
            good.replace("<wmo301:Header>", f'<wmo301:Header a="{"x" * 3_000_000}">'),
            "refused",
            "unsafe_xml",
            3,
        ),
    ]


def _no_message() -> list[AnyCase]:
    """Files that are something else, or less than whole."""
    good = _one()
    middle = good.index(">02A05<")
    own = "http://www.istandaarden.nl/iwmo/3_2"
    return [
        _case("0 bytes", b"", "refused", "empty_file"),
        _case("only white space", " \n\n", "refused", "empty_file"),
        _case("cut off in an element", good[: middle + 4], "refused", "unfinished_file", line_of(good, "02A05")),
        _case("cut off in a tag", good[: middle - 4], "refused", "unfinished_file", line_of(good, "02A05")),
        _case(
            "cut off after the client",
            good[: good.index("</wmo301:Bericht>")],
            "refused",
            "unfinished_file",
            good.count("\n"),
        ),
        _case(
            "an end tag too few",
            good.replace("</wmo301:Header>", ""),
            "refused",
            "unknown_format",
            good.count("\n"),
        ),
        _case(
            "two messages in one file",
            good + good.partition("\n")[2],
            "refused",
            "unknown_format",
            good.count("\n") + 1,
        ),
        _case("a page of a web server", "<html><body><p>404</p></body></html>", "refused", "unknown_format", 1),
        _case("a table", f"bsn;naam\n{BSN};{SURNAME}\n", "refused", "unknown_format", 1),
        _case("packed", gzip.compress(good.encode(), mtime=0), "refused", "wrong_encoding", 1),
        _case("UTF-16", good.replace("UTF-8", "UTF-16").encode("utf-16"), "refused", "wrong_encoding", 1),
        _case("declared as ISO-8859-1", good.replace("UTF-8", "ISO-8859-1"), "refused", "wrong_encoding", 1),
        _case(
            "Windows-1252 that says UTF-8",
            good.replace("Sjoukje", "Zoë").encode("windows-1252"),
            "refused",
            "wrong_encoding",
            line_of(good, "Sjoukje"),
        ),
        _case("no namespace", good.replace("wmo301:", "").replace("iwmo:", ""), "refused", "unknown_format", 2),
        _case(
            "a namespace of nobody",
            good.replace("istandaarden.nl", "voorbeeld.example"),
            "refused",
            "unknown_format",
            2,
        ),
        _case(
            "elements of another message",
            good.replace("wmo301:Client", "iwmo:Client").replace(f"{own}/basisschema", f"{own}/wmo305"),
            "refused",
            "unknown_format",
            line_of(good, "Identificatie>") + 1,
        ),
        _case("version 3.1", good.replace("3_2", "3_1"), "refused", "unknown_format", 2),
        _case("a youth message among those of the Wmo", _one("jw301"), "refused", "unknown_format", 2),
        _case("a message that is not read", good.replace("wmo301", "wmo319"), "refused", "not_allowed", 2),
        _case("a message without clients", message("wmo301"), "refused", "missing_value", 3),
    ]


def _headers() -> list[AnyCase]:
    """Faults of a header refuse the message."""

    def case(name: str, reason: str, part: str, text: str) -> AnyCase:
        return _case(name, text, "refused", reason, line_of(text, part))

    good = _one()
    twice = "\t\t<wmo301:Ontvanger>65656565</wmo301:Ontvanger>\n"
    second = good.replace(twice, twice + twice)
    called = "<iwmo:Identificatie>"
    return [
        case("the code of another message", "not_allowed", "BerichtCode", _one(BerichtCode="418")),
        case("the number of the message as its code", "not_allowed", "BerichtCode", _one(BerichtCode="301")),
        case("version 2", "not_allowed", "BerichtVersie", _one(BerichtVersie="2")),
        case("subversion 1", "not_allowed", "BerichtSubversie", _one(BerichtSubversie="1")),
        case("no sender", "missing_value", "Header", _one(Afzender=None)),
        case("an empty sender", "missing_value", "Afzender", _one(Afzender="")),
        case("a municipality with GM", "not_allowed", "Afzender", _one(Afzender="GM9001")),
        case("a municipality of three digits", "not_allowed", "Afzender", _one(Afzender="901")),
        case("a municipality that is not there", "unknown_region", "Afzender", _one(Afzender="9999")),
        case(
            "a provider where the municipality belongs",
            "not_allowed",
            "Ontvanger",
            _one("wmo305", start(), Ontvanger="65656565"),
        ),
        case("a name for a provider", "not_allowed", "Ontvanger", _one(Ontvanger=SURNAME)),
        case("no identification", "missing_value", "Header", _one(Identificatie=None)),
        case("an identification without an end", "out_of_range", called, _one(Identificatie="x" * 200)),
        case("the number of the client as identification", "personal_data", "Header", _one(Identificatie=f"B{BSN}")),
        case("a date of signing that does not exist", "not_a_date", "Dagtekening", _one(Dagtekening="2026-02-30")),
        case("a date of signing with a time zone", "not_a_date", "Dagtekening", _one(Dagtekening="2026-04-02Z")),
        _case("a receiver twice", second, "refused", "duplicate_key", line_of(second, "Ontvanger", 2)),
        case(
            "a code for the answer that is none",
            "not_allowed",
            "RetourCode>",
            message("wmo325").replace(">8001<", f">{SURNAME}<").replace(">0200<", f">{SURNAME}<"),
        ),
    ]


def _clients() -> list[AnyCase]:
    """Faults of a client keep the others."""
    wrong = message("wmo323", [Client(BSN, [claim()]), Client(MISTYPED_BSN, [claim("RN2"), claim("RN3")])])
    return [
        _case(
            "a number that is no BSN among others",
            wrong,
            "quarantined",
            "not_a_bsn",
            line_of(wrong, MISTYPED_BSN),
            rows=1,
        ),
        *(
            _case(name, text, "quarantined", reason, line_of(text, "Bsn>"))
            for name, reason, text in (
                ("a BSN of eight digits", "not_a_bsn", _one().replace(BSN, BSN[1:])),
                ("a BSN with points", "not_a_bsn", _one().replace(BSN, "9999.00.006")),
                ("nine noughts", "not_a_bsn", _one().replace(BSN, "000000000")),
                ("a name for a BSN", "not_a_bsn", _one().replace(BSN, SURNAME)),
                ("an empty BSN", "missing_value", _one().replace(BSN, "")),
            )
        ),
        _no_bsn(),
        _two_bsn(),
        _no_products(),
        _case(
            "the number of a client for an allocation",
            _one("wmo301", allocation(BSN), allocation()),
            "quarantined",
            "personal_data",
            line_of(_one("wmo301", allocation(BSN)), "ToewijzingNummer"),
            rows=1,
        ),
    ]


def _no_bsn() -> AnyCase:
    text = _one()
    text = "\n".join(line for line in text.split("\n") if "Bsn>" not in line)
    return _case("no BSN", text, "quarantined", "missing_value", line_of(text, "<wmo301:ToegewezenProduct>"))


def _two_bsn() -> AnyCase:
    text = _one()
    number = f"\t\t<wmo301:Bsn>{BSN}</wmo301:Bsn>\n"
    text = text.replace(number, number + number.replace(BSN, OTHER_BSN))
    return _case("two BSNs", text, "refused", "duplicate_key", line_of(text, "Bsn>", 2))


def _no_products() -> AnyCase:
    text = message("wmo323", [Client(BSN, [claim()]), Client(OTHER_BSN, [])])
    line = line_of(text, "<wmo323:Client>", 2)
    return _case("a client without claims", text, "quarantined", "missing_value", line, rows=1)


def _values() -> list[AnyCase]:
    """Faults of one event keep the others: each stands beside one that is right."""

    def case(name: str, reason: str, part: str, wrong: list[Element], kind: str = "wmo301", which: int = 1) -> AnyCase:
        right = {"wmo301": allocation, "wmo307": stop, "wmo315": request, "wmo323": claim, "wmo325": claim}
        last = {"wmo315": "R-9", "wmo323": "RN9", "wmo325": "RN9"}.get(kind, "300209")
        other = right[kind](last, **({"RetourCodes": [("RetourCode", "9307")]} if kind == "wmo325" else {}))
        text = _one(kind, wrong, other)
        source = source_of(standard_of(kind))
        return _case(name, text, "quarantined", reason, line_of(text, part, which), rows=1, source=source)

    def extent(volume: str | None = "3", unit: str | None = "04", frequency: str | None = "2") -> list[Element]:
        return [(":Volume", volume), (":Eenheid", unit), (":Frequentie", frequency)]

    def amount(number: str, side: str = "D") -> list[Element]:
        return [(":Bedrag", number), (":DebetCredit", side)]

    product = "<wmo301:ToegewezenProduct>"
    return [
        case("a day that does not exist", "not_a_date", "Ingangsdatum", allocation(Ingangsdatum="2026-02-30")),
        case("a date in the Dutch order", "not_a_date", "Einddatum", allocation(Einddatum="31-12-2026")),
        case("a name for a date", "not_a_date", "Einddatum", allocation(Einddatum=SURNAME)),
        case("the end before the start", "out_of_range", "Einddatum", allocation(Einddatum="2026-01-11")),
        case("a stop before its start", "out_of_range", "Einddatum", stop(Einddatum="2026-01-01"), "wmo307"),
        case(
            "a claim that ends before it begins",
            "out_of_range",
            ":Einddatum",
            claim(ProductPeriode=[(":Begindatum", "2026-03-31"), (":Einddatum", "2026-03-01")]),
            "wmo323",
            2,
        ),
        case("a category that is not there", "not_allowed", "Categorie", allocation(Product=[(":Categorie", "19")])),
        case("a category of youth", "not_allowed", "Categorie", allocation(Product=[(":Categorie", "45")])),
        case("a category of one digit", "not_allowed", "Categorie", allocation(Product=[(":Categorie", "2")])),
        case("a surname for a category", "not_allowed", "Categorie", allocation(Product=[(":Categorie", SURNAME)])),
        case(
            "a product code of six characters",
            "not_allowed",
            "Code>",
            allocation(Product=[(":Categorie", "02"), (":Code", "02A055")]),
            which=2,
        ),
        case("a unit that is not there", "not_allowed", "Eenheid", allocation(Omvang=extent(unit="02"))),
        case("a frequency that is not there", "not_allowed", "Frequentie", allocation(Omvang=extent(frequency="3"))),
        case("a volume with a comma", "not_a_number", "Volume", allocation(Omvang=extent("3,5"))),
        case("a volume below zero", "not_a_number", "Volume", allocation(Omvang=extent("-3"))),
        case("a volume of nine digits", "not_a_number", "Volume", allocation(Omvang=extent("123456789"))),
        case("a volume without a unit", "missing_value", product, allocation(Omvang=extent(unit=None))),
        case("no number of the allocation", "missing_value", product, allocation(ToewijzingNummer=None)),
        case("a number of the allocation with letters", "not_a_number", "ToewijzingNummer", allocation("T300201")),
        case("no date of the allocation", "missing_value", product, allocation(Toewijzingsdatum=None)),
        case("no day on which it starts", "missing_value", product, allocation(Ingangsdatum=None)),
        case("no product and no budget", "missing_value", product, allocation(Product=None, Omvang=None)),
        case("an empty end date", "missing_value", "Einddatum", allocation(Einddatum="")),
        case("an element that is not in the standard", "unknown_item", "Eindatum", allocation(Eindatum="2026-12-31")),
        case("an element within another", "unknown_item", "Jaar", allocation(Einddatum=[("Jaar", "2026")])),
        case("a reason of change that is not there", "not_allowed", "RedenWijziging", allocation(RedenWijziging="15")),
        case(
            "a reason of end that is not there",
            "not_allowed",
            "RedenBeeindiging",
            stop(RedenBeeindiging="99"),
            "wmo307",
        ),
        case(
            "a reason of end that is one of youth",
            "not_allowed",
            "RedenBeeindiging",
            stop(RedenBeeindiging="32"),
            "wmo307",
        ),
        case("a status that is not there", "not_allowed", "StatusAanlevering", stop(StatusAanlevering="2"), "wmo307"),
        case("a referrer that is not there", "not_allowed", "Type", request(Verwijzer=[(":Type", "07")]), "wmo315"),
        case("no referrer", "missing_value", "<wmo315:AangevraagdProduct>", request(Verwijzer=None), "wmo315"),
        case("an amount in euros", "not_a_number", ":Bedrag", claim(IngediendBedrag=amount("600.00")), "wmo323"),
        case(
            "neither debit nor credit",
            "not_allowed",
            "DebetCredit",
            claim(IngediendBedrag=amount("60000", "X")),
            "wmo323",
            2,
        ),
        case(
            "a return code of a word",
            "not_allowed",
            "RetourCode>",
            claim(RetourCodes=[("RetourCode", "afgekeurd")]),
            "wmo325",
            2,
        ),
        case(
            "a start date twice",
            "duplicate_key",
            "Ingangsdatum",
            [*allocation(), ("Ingangsdatum", "2026-02-01")],
            which=2,
        ),
    ]


def _repeats() -> list[AnyCase]:
    """Of events with one key nobody can say which is right."""
    made: list[tuple[str, str, Callable[[], list[Element]], str]] = [
        ("an allocation twice", "wmo301", allocation, "<wmo301:ToegewezenProduct>"),
        ("a start twice", "wmo305", start, "<wmo305:StartProduct>"),
        ("a stop twice", "wmo307", stop, "<wmo307:StopProduct>"),
        ("a request twice", "wmo315", request, "<wmo315:AangevraagdProduct>"),
        ("a claim twice", "wmo323", claim, "<wmo323:Prestatie>"),
    ]
    return [
        _case(name, text := _one(kind, make(), make()), "quarantined", "duplicate_key", line_of(text, part))
        for name, kind, make, part in made
    ]
