"""What provisions, referrers and wijkteams are declared to be, and what such a declaration may not say."""

from __future__ import annotations

from pipelines.declarations.as_read import Everything, Placed
from pipelines.declarations.load import load_declarations
from pipelines.declarations.marked_yaml import read_marked
from pipelines.declarations.provisions import Provision, Referrer, provision_contradictions, provision_rows
from pipelines.readers.istandaard.standard import CATEGORIES, REFERRERS
from pipelines.settings import PROJECT_ROOT


def _declared(*provisions: dict[str, str], referrers: tuple[dict[str, str], ...] = ()) -> Everything:
    file = read_marked(b"provisions:\n  - {}\nreferrers:\n  - {}\n", "provisions.yml")
    everything = Everything()
    for one in provisions:
        item = Provision.model_validate({"label_nl": "Label", "reference": "Lijst", **one})
        everything.provisions.append(Placed(item, file, ("provisions", 0)))
    for one in referrers:
        who = Referrer.model_validate({"label_nl": "Label", "reference": "Lijst", **one})
        everything.referrers.append(Placed(who, file, ("referrers", 0)))
    return everything


def test_every_category_and_referrer_that_a_message_may_name_is_declared() -> None:
    declarations = load_declarations(PROJECT_ROOT / "sources", "live")
    declared = {(one.law, one.category) for one in declarations.provisions}
    for law, standard in (("wmo", "iwmo"), ("jeugd", "ijw")):
        assert {(law, category) for category in CATEGORIES[standard]} <= declared
    assert {one.code for one in declarations.referrers} == set(REFERRERS)
    crisis = {(one.law, one.category) for one in declarations.provisions if one.is_crisis}
    assert crisis == {("wmo", "17"), ("jeugd", "46")}


def test_what_is_fictional_is_declared_for_the_sample_only() -> None:
    found = {
        profile: [one.region_code for one in load_declarations(PROJECT_ROOT / "sources", profile).wijkteam_providers]
        for profile in ("sample", "live")
    }
    assert found == {"sample": ["VB0001"], "live": []}


def test_a_code_or_a_name_that_stands_twice_is_told_and_so_is_the_name_of_the_whole_law() -> None:
    provision = {"law": "wmo", "category": "01", "provision": "hulp"}
    assert list(provision_contradictions(_declared(provision, {**provision, "law": "jeugd"}))) == []
    twice = list(provision_contradictions(_declared(provision, {**provision, "provision": "andere"})))
    assert len(twice) == 1 and "found law and category wmo, 01 a second time" in twice[0]
    named = list(provision_contradictions(_declared(provision, {**provision, "category": "02"})))
    assert len(named) == 1 and "found law and provision wmo, hulp a second time" in named[0]
    (whole,) = provision_contradictions(_declared({**provision, "provision": "totaal"}))
    assert "found totaal, expected another name" in whole
    referrer = {"code": "01", "referrer": "gemeente"}
    (again,) = provision_contradictions(_declared(referrers=(referrer, {**referrer, "referrer": "andere"})))
    assert "found code 01 a second time" in again


def test_a_product_without_municipalities_is_crisis_in_all_of_them() -> None:
    from pipelines.declarations.provisions import CrisisProduct

    products = [
        CrisisProduct(law="jeugd", product_code="45A99", reference="Lijst"),
        CrisisProduct(law="jeugd", product_code="43A99", region_codes=("GM9001", "GM9002"), reference="Lijst"),
    ]
    rows = provision_rows([], products, [], [])["crisis_product"]
    assert [(row["product_code"], row["region_code"]) for row in rows] == [
        ("45A99", None),
        ("43A99", "GM9001"),
        ("43A99", "GM9002"),
    ]
