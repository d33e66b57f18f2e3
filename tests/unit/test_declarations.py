"""The loader of the declarations: what it reads, what it refuses, and where it says the fault is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.declarations.load import DeclarationError, Declarations, load_declarations
from pipelines.settings import PROJECT_ROOT

INDICATORS = """\
indicators:
  - &count
    indicator_id: bevolking
    label_nl: Bevolking
    label_en: Population
    law: algemeen
    unit: count
    value_kind: stock
    aggregation: sum
    desired_direction: none
    description_nl: Inwoners.
  - <<: *count
    indicator_id: wmo_hulp
    law: wmo
families:
  - prefix: iv3_
    because: Komt later.
"""

REGIONS = """\
regions:
  - {code: NL01, name: Nederland, region_type: land, municipality_prefix: GM}
  - {code: GM0373, name: Bergen (NH.), region_type: gemeente}
  - {code: GM0450, name: Uitgeest, region_type: gemeente}
  - {code: VB00, name: Voorbeeldland, region_type: land, is_fictional: true}
groups:
  - {code: SV-DUO, name: Duo, region_type: samenwerking, members: [GM0373, GM0450]}
"""

EVENTS = """\
- event_id: fusie
  kind: ambtelijke_fusie
  nature: measurement
  effective_date: 2017-01-01
  region_codes: [SV-DUO]
  indicator_ids: [wmo_*]
  label_nl: Fusie
  reference: Verzonnen
"""

SOURCE = """\
source_id: tellingen
title: Tellingen
publisher: Gemeente
licence: CC0
cadence: yearly
profiles: [sample, live]
origin: {producer: Gemeente, citation: "Gemeente, telling"}
connector: {kind: folder, pattern: telling*.csv}
reader:
  kind: delimited
  encoding: utf-8
  delimiter: ";"
  columns:
    - {header: Gemeente, name: gemeente, type: region_name}
    - {header: Jaar, name: jaar, type: year}
    - {header: Cliënten, name: clienten, type: integer}
  key: [gemeente, jaar]
series:
  - {item: clienten, indicator_id: wmo_hulp}
expected:
  - {regions: [SV-DUO], members: true, periods: ["2015..2017"], items: [clienten]}
"""

World = Callable[..., Path]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Writes a small, sound set of declarations, with the files given by path in place of its own."""

    def write(changed: dict[str, str] | None = None) -> Path:
        files = {
            "catalogue/indicators.yml": INDICATORS,
            "catalogue/regions.yml": REGIONS,
            "catalogue/events.yml": EVENTS,
            "municipal/tellingen.yml": SOURCE,
            **(changed or {}),
        }
        folder = tmp_path / "sources"
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return write


def problems(folder: Path) -> tuple[str, ...]:
    with pytest.raises(DeclarationError) as refused:
        load_declarations(folder, "sample")
    return refused.value.problems


def only_problem(folder: Path) -> str:
    (problem,) = problems(folder)
    return problem


@pytest.fixture(scope="module")
def bundled() -> Declarations:
    return load_declarations(PROJECT_ROOT / "sources", "sample")


# -- what is read ----------------------------------------------------------------------------------


def test_a_sound_set_of_declarations_loads(world: World) -> None:
    loaded = load_declarations(world(), "sample")
    assert [source.source_id for source in loaded.sources] == ["tellingen"]
    assert [region.code for region in loaded.regions] == ["NL01", "GM0373", "GM0450", "VB00"]
    assert [group.members for group in loaded.groups] == [("GM0373", "GM0450")]
    assert loaded.source("tellingen").publisher == "Gemeente"
    with pytest.raises(KeyError):
        loaded.source("onbekend")


def test_every_events_and_regions_file_is_read_as_a_bare_list_or_as_a_mapping(world: World) -> None:
    more_events = EVENTS.replace("event_id: fusie", "event_id: later")
    more_regions = "- {code: GM0383, name: Castricum, region_type: gemeente}\n"
    loaded = load_declarations(
        world({"catalogue/events_meer.yml": more_events, "catalogue/regions_meer.yml": more_regions}),
        "sample",
    )
    assert [event.event_id for event in loaded.events] == ["fusie", "later"]
    assert "GM0383" in {region.code for region in loaded.regions}


def test_an_empty_list_and_a_file_with_comments_only_declare_nothing(world: World) -> None:
    loaded = load_declarations(
        world({"catalogue/decisions.yml": "# vorm\n\n[]\n", "catalogue/corrections.yml": "# vorm\n"}), "live"
    )
    assert loaded.decisions == ()
    assert loaded.corrections == ()


def test_a_profile_has_its_own_sources_and_only_the_sample_has_what_is_fictional(world: World) -> None:
    fictional_event = EVENTS.replace("event_id: fusie", "event_id: vb").replace("SV-DUO", "VB0001")
    folder = world(
        {
            "cbs/vb.yml": SOURCE.replace("tellingen", "vb").replace("[sample, live]", "[sample]"),
            "catalogue/events_vb.yml": fictional_event,
        }
    )
    sample, live = load_declarations(folder, "sample"), load_declarations(folder, "live")
    assert {source.source_id for source in sample.sources} == {"tellingen", "vb"}
    assert {source.source_id for source in live.sources} == {"tellingen"}
    assert {event.event_id for event in sample.events} - {event.event_id for event in live.events} == {"vb"}
    assert not any(region.is_fictional for region in live.regions)


def test_an_unquoted_year_is_a_period(world: World) -> None:
    event = EVENTS.replace("effective_date: 2017-01-01", "period_from: 2016\n  period_to: 2017H1")
    loaded = load_declarations(world({"catalogue/events.yml": event}), "sample")
    assert loaded.events[0].period_from == "2016"
    assert [day.isoformat() for day in loaded.events[0].window] == ["2016-01-01", "2017-06-30"]


def test_the_fingerprint_changes_with_any_file_and_with_nothing_else(world: World) -> None:
    before = load_declarations(world(), "sample").fingerprint
    assert load_declarations(world(), "live").fingerprint == before
    comment = EVENTS + "# een opmerking\n"
    assert load_declarations(world({"catalogue/events.yml": comment}), "sample").fingerprint != before


def test_an_alias_for_one_source_does_not_hold_for_another(world: World) -> None:
    aliases = """\
- {name: Landelijk, code: NL01, because: Zo staat het er.}
- {name: Bergen, code: GM0373, because: Alleen hier is het duidelijk., sources: [tellingen]}
"""
    other = SOURCE.replace("source_id: tellingen", "source_id: andere")
    folder = world({"catalogue/aliases.yml": aliases, "municipal/andere.yml": other})
    loaded = load_declarations(folder, "sample")
    assert loaded.aliases_for("tellingen") == {"Landelijk": "NL01", "Bergen": "GM0373"}
    assert loaded.aliases_for("andere") == {"Landelijk": "NL01"}
    assert [alias.name for alias in loaded.aliases] == ["Landelijk"]


# -- what is refused, and where --------------------------------------------------------------------


def test_an_unknown_key_is_refused_with_its_place_and_the_keys_that_are_known(world: World) -> None:
    wrong = EVENTS.replace("  label_nl: Fusie", "  label: Fusie\n  label_nl: Fusie")
    problem = only_problem(world({"catalogue/events.yml": wrong}))
    assert problem.startswith("sources/catalogue/events.yml:7:3 (label): found an unknown key 'label'")
    assert "label_nl" in problem.partition("expected one of")[2]


def test_an_unknown_key_deep_in_a_source_names_the_keys_of_the_form_it_stands_in(world: World) -> None:
    wrong = SOURCE.replace("  encoding: utf-8", "  encoding: utf-8\n  sheet: Blad1")
    problem = only_problem(world({"municipal/tellingen.yml": wrong}))
    assert problem.startswith("sources/municipal/tellingen.yml:12:3 (sheet): found an unknown key 'sheet'")
    assert "delimiter" in problem
    assert "header_row" not in problem


def test_a_missing_key_is_reported_at_the_entry_that_lacks_it(world: World) -> None:
    problem = only_problem(world({"catalogue/events.yml": EVENTS.replace("  nature: measurement\n", "")}))
    assert problem == "sources/catalogue/events.yml:1:3 (nature): found no key 'nature', expected it here"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("kind: ambtelijke_fusie", "kind: fusie", ":2:9 (kind): found 'fusie', expected one of 'decentralis"),
        ("2017-01-01", "2017-02-30", ":4:19: found '2017-02-30', expected a date that exists"),
        ("2017-01-01", "begin 2017", ":4:19 (effective_date): found 'begin 2017', expected a valid date"),
        ("label_nl: Fusie", "label_nl: 2017", ":7:13 (label_nl): found 2017, expected text (in quotes"),
        (
            "  effective_date: 2017-01-01\n",
            "",
            ":1:3: found no time at all, expected effective_date or period",
        ),
        (
            "effective_date: 2017-01-01",
            "period_from: 2017HJ01",
            ":4:16 (period_from): found '2017HJ01', expected a p",
        ),
        ("[SV-DUO]", "[SV-TRIO]", ":5:18 (region_codes): found SV-TRIO, expected a region or group"),
        ("[wmo_*]", "[wmo_hulpp]", ":6:19 (indicator_ids): found wmo_hulpp, expected an indicator"),
        ("[wmo_*]", "[wmoo_*]", ":6:19 (indicator_ids): found wmoo_*, expected an indicator"),
        ("[wmo_*]", "[]", ":6:18 (indicator_ids): found an empty list, expected at least one entry"),
        (
            "nature: measurement",
            "nature: measurement\n  nature: mixed",
            ":4:3: found key 'nature' a second time",
        ),
        ("- event_id: fusie", "- event_id: [fusie", "expected"),
    ],
)
def test_a_wrong_event_says_where_it_is_wrong(world: World, old: str, new: str, expected: str) -> None:
    assert old in EVENTS
    problem = only_problem(world({"catalogue/events.yml": EVENTS.replace(old, new)}))
    assert problem.startswith("sources/catalogue/events.yml:")
    assert expected in problem


def test_a_pattern_may_name_a_declared_family_that_no_source_delivers_yet(world: World) -> None:
    loaded = load_declarations(world({"catalogue/events.yml": EVENTS.replace("wmo_*", "iv3_6_3_*")}), "sample")
    assert loaded.events[0].indicator_ids == ("iv3_6_3_*",)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("indicator_id: wmo_hulp", "indicator_id: wmo_hulpp", ":19:36 (indicator_id): found wmo_hulpp"),
        (
            "{item: clienten,",
            "{item: klanten,",
            ":19:12 (item): found 'klanten', expected one of clienten, which the reader",
        ),
        ("items: [clienten]", "items: [klanten]", "(items): found 'klanten', expected an item of its series"),
        ("items: [clienten]", "items: [klant*]", "(items): found 'klant*', expected an item of its series"),
        ("[SV-DUO]", "[SV-TRIO]", ":21:16 (regions): found SV-TRIO, expected a region or group"),
        (
            "2015..2017",
            "2017..2015",
            "(periods): found 2017..2015, expected the first period not to be after",
        ),
        (
            "2015..2017",
            "2015..2017H1",
            "(periods): found 2015..2017H1, expected a first and a last period of one",
        ),
        ("2015..2017", "2015HJ01", "(periods): found '2015HJ01', expected a period such as 2016, 2016H2"),
        (
            "kind: delimited",
            "kind: delimitered",
            ":10:9 (kind): found 'delimitered', expected one of 'cbs_v4'",
        ),
        (
            "cadence: yearly",
            "cadence: jaarlijks",
            ":5:10 (cadence): found 'jaarlijks', expected one of 'monthly'",
        ),
    ],
)
def test_a_wrong_source_says_where_it_is_wrong(world: World, old: str, new: str, expected: str) -> None:
    assert old in SOURCE
    found = problems(world({"municipal/tellingen.yml": SOURCE.replace(old, new)}))
    assert any(problem.startswith("sources/municipal/tellingen.yml:") for problem in found)
    assert any(expected in problem for problem in found)


def test_a_known_gap_in_what_nobody_expects_is_a_typing_error(world: World) -> None:
    gap = 'known_gaps:\n  - {regions: [GM0450], periods: ["2018"], because: Te laat}\n'
    problem = only_problem(world({"municipal/tellingen.yml": SOURCE + gap}))
    assert problem.startswith("sources/municipal/tellingen.yml:23:5 (known_gaps): found a gap in what nobody expects")
    sound = gap.replace("2018", "2017")
    assert load_declarations(world({"municipal/tellingen.yml": SOURCE + sound}), "sample").sources


def test_an_id_declared_twice_names_both_places(world: World) -> None:
    problem = only_problem(world({"catalogue/events_meer.yml": EVENTS}))
    assert problem == (
        "sources/catalogue/events_meer.yml:1:3: found event_id fusie a second time, "
        "expected it only at sources/catalogue/events.yml:1:3"
    )


def test_a_group_may_only_have_members_that_are_declared(world: World) -> None:
    wrong = REGIONS.replace("[GM0373, GM0450]", "[GM0373, GM0045]")
    assert only_problem(world({"catalogue/regions.yml": wrong})) == (
        "sources/catalogue/regions.yml:7:76 (members): found GM0045, "
        "expected a region or group that a regions*.yml declares"
    )


def test_the_municipalities_of_a_fictional_country_come_with_its_deliveries(world: World) -> None:
    group = "- {code: SV-VB, name: Samen, region_type: samenwerking, members: [VB0001], is_fictional: true}\n"
    loaded = load_declarations(world({"catalogue/regions_vb.yml": group}), "sample")
    assert [group.code for group in loaded.groups] == ["SV-DUO", "SV-VB"]


def test_a_real_region_in_a_fictional_country_is_refused(world: World) -> None:
    group = "- {code: SV-VB, name: Samen (VB), region_type: samenwerking, members: [VB0001]}\n"
    assert "found is_fictional false" in only_problem(world({"catalogue/regions_vb.yml": group}))


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (
            "    unit: per_1000\n    aggregation: recompute\n",
            "found aggregation recompute, expected numerator_id",
        ),
        ("    numerator_id: wmo_hulp\n", "found only one of numerator_id and denominator_id"),
        ("    aggregation: weighted_mean\n", "found aggregation weighted_mean, expected a denominator_id with it"),
        ("    survey: ceo\n", "found only one of survey and question_id"),
        ("    sources: [elders]\n", "(sources): found elders, expected a source that is declared"),
        ("    minimum: 5\n    maximum: 1\n", "found minimum 5 above maximum 1"),
        (
            "    unit: per_1000\n    numerator_id: wmo_zorg\n    denominator_id: bevolking\n",
            "(numerator_id): found wmo_zorg, expected an indicator that indicators.yml declares",
        ),
    ],
)
def test_an_indicator_that_cannot_be_computed_is_refused(world: World, extra: str, expected: str) -> None:
    indicators = INDICATORS.replace("    law: wmo\n", f"    law: wmo\n{extra}")
    assert expected in only_problem(world({"catalogue/indicators.yml": indicators}))


def test_a_published_percentage_says_what_it_is_weighted_by(world: World) -> None:
    weighted = "    law: wmo\n    aggregation: weighted_mean\n    denominator_id: bevolking\n"
    indicators = INDICATORS.replace("    law: wmo\n", weighted)
    loaded = load_declarations(world({"catalogue/indicators.yml": indicators}), "sample")
    (found,) = [indicator for indicator in loaded.indicators if indicator.aggregation == "weighted_mean"]
    assert (found.numerator_id, found.denominator_id) == (None, "bevolking")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- {decision: accepted, because: x, who: x, when: 2026-01-01}", "found an unclear break"),
        (
            "- {indicator_id: wmo_hulp, decision: accepted, because: x, who: x, when: 2026-01-01}",
            "unclear break",
        ),
        ("- {break_id: ab, decision: ok, because: x, who: x, when: 2026-01-01}", "(decision): found 'ok'"),
        (
            "- {break_id: ab, decision: accepted, because: '', who: x, when: 2026-01-01}",
            "text that is not empty",
        ),
        (
            "- {indicator_id: wmo_hulp, region_code: SV-X, period_code: 2016, decision: accepted, "
            "because: x, who: x, when: 2026-01-01}",
            "(region_code): found SV-X",
        ),
    ],
)
def test_an_unclear_decision_is_refused(world: World, text: str, expected: str) -> None:
    assert expected in only_problem(world({"catalogue/decisions.yml": text}))


def test_a_decision_may_be_about_any_municipality_but_a_group_may_not(world: World) -> None:
    decision = (
        "- {indicator_id: wmo_hulp, region_code: GM1234, period_code: 2016, decision: rejected, because: x, "
        "who: x, when: 2026-01-01}"
    )
    assert load_declarations(world({"catalogue/decisions.yml": decision}), "live").decisions[0].period_code == "2016"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("tellingen", "elders", "(source_id): found elders, expected a source that is declared"),
        ("item: clienten", "item: klanten", "(item): found 'klanten', expected an item of its series"),
        (", value: 46", "", "(value): found no key 'value', expected it here"),
        ("expect: 460", "expect: veel", "(expect): found 'veel', expected a valid number"),
    ],
)
def test_a_correction_must_fit_its_source(world: World, old: str, new: str, expected: str) -> None:
    correction = (
        "- {source_id: tellingen, item: clienten, region_code: GM0373, period_code: 2016, expect: 460, "
        "because: x, who: x, when: 2026-01-01, value: 46}"
    )
    assert load_declarations(world({"catalogue/corrections.yml": correction}), "live").corrections[0].value == 46
    assert expected in only_problem(world({"catalogue/corrections.yml": correction.replace(old, new)}))


def test_one_name_for_two_regions_is_refused_unless_in_different_sources(world: World) -> None:
    aliases = """\
- {name: Bergen, code: GM0373, because: Hier.}
- {name: Bergen, code: GM0450, because: Daar., sources: [tellingen]}
"""
    assert ":2:10 (name): found 'Bergen' a second time" in only_problem(world({"catalogue/aliases.yml": aliases}))


def test_all_problems_are_reported_at_once(world: World) -> None:
    found = problems(
        world(
            {
                "catalogue/events.yml": EVENTS.replace("kind: ambtelijke_fusie", "kind: fusie"),
                "municipal/tellingen.yml": SOURCE.replace("cadence: yearly", "cadence: soms"),
            }
        )
    )
    assert len(found) == 2


def test_a_file_that_is_not_utf_8_names_the_byte_and_its_place(world: World) -> None:
    folder = world()
    (folder / "catalogue" / "events.yml").write_bytes(b"- event_id: fusie\n  label_nl: Cli\xebnten\n")
    assert only_problem(folder) == "sources/catalogue/events.yml:2:16: found byte 0xeb, expected UTF-8"


def test_a_file_that_the_catalogue_does_not_know_is_refused(world: World) -> None:
    assert "verzinsels.yml: found a name of its own" in only_problem(world({"catalogue/verzinsels.yml": "[]"}))


def test_a_list_that_the_file_does_not_hold_is_refused(world: World) -> None:
    events = "events: []\ngebeurtenissen:\n  - {event_id: fusie}\n"
    assert only_problem(world({"catalogue/events.yml": events})) == (
        "sources/catalogue/events.yml:2:1: found the list 'gebeurtenissen', expected one of events"
    )


def test_a_declaration_that_would_not_be_read_for_its_ending_is_refused(world: World) -> None:
    assert "tellingen.yaml: found a name that ends in .yaml" in only_problem(
        world({"municipal/tellingen.yaml": SOURCE})
    )


def test_a_folder_without_declarations_is_refused(tmp_path: Path) -> None:
    assert only_problem(tmp_path / "nergens") == ("nergens: found no such folder, expected the declarations in it")


# -- the bundled catalogue -------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["sample", "live"])
def test_the_bundled_declarations_load_in_well_under_a_third_of_a_second(profile: str) -> None:
    fastest = min(_seconds(profile) for _ in range(3))
    assert fastest < 0.3


def _seconds(profile: str) -> float:
    start = time.perf_counter()
    load_declarations(PROJECT_ROOT / "sources", profile)
    return time.perf_counter() - start


@pytest.mark.parametrize(
    ("code", "members"),
    [
        ("SV-BUCH", {"GM0373", "GM0450", "GM0383", "GM0399"}),
        ("SV-IJMOND", {"GM0375", "GM0396", "GM0453"}),
        ("SV-BEVERWIJK-HEEMSKERK", {"GM0375", "GM0396"}),
        (
            "GGD-KENNEMERLAND",
            {"GM0375", "GM0377", "GM0392", "GM0394", "GM0396", "GM0397", "GM0450", "GM0453", "GM0473"},
        ),
    ],
)
def test_the_groups_of_the_documents_have_all_their_members(
    bundled: Declarations, code: str, members: set[str]
) -> None:
    group = next(group for group in bundled.groups if group.code == code)
    assert set(group.members) == members
    assert group.members_complete


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("NL01", "Nederland"),
        ("GM0373", "Bergen (NH.)"),
        ("GM0893", "Bergen (L.)"),
        ("GM0450", "Uitgeest"),
        ("GM0383", "Castricum"),
        ("GM0399", "Heiloo"),
        ("GM0375", "Beverwijk"),
        ("GM0396", "Heemskerk"),
        ("GM0453", "Velsen"),
        ("GM0757", "Boxtel"),
        ("GM0777", "Etten-Leur"),
        ("GM0512", "Gorinchem"),
        ("GM0642", "Zwijndrecht"),
    ],
)
def test_the_regions_of_the_documents_have_the_codes_of_cbs(bundled: Declarations, code: str, name: str) -> None:
    assert {region.name for region in bundled.regions if region.code == code} == {name}


def test_a_plain_bergen_is_nobodys_general_alias(bundled: Declarations) -> None:
    assert "Bergen" not in {alias.name for alias in bundled.aliases}
    assert bundled.aliases_for("ceo_wmo")["Bergen"] == "GM0373"
    assert "Bergen" not in bundled.aliases_for("vb_wmo")
    assert bundled.aliases_for("vb_wmo")["Landelijk"] == "NL01"


@pytest.mark.parametrize("half", ["", "_per_1000"])
def test_every_count_of_voorbeeldland_has_a_rate_over_the_population(bundled: Declarations, half: str) -> None:
    known = {indicator.indicator_id: indicator for indicator in bundled.indicators}
    counts = [
        series.indicator_id
        for source in bundled.sources
        if source.origin.fictional and source.connector.kind == "cbs_v4" and not source.defines_neighbourhoods
        for series in source.series
        if series.indicator_id != "bevolking"
    ]
    assert len(set(counts)) == 8
    for count in counts:
        indicator = known[count + half]
        assert indicator.unit == ("per_1000" if half else "count")
        if half:
            assert (indicator.numerator_id, indicator.denominator_id) == (count, "bevolking")
            assert (indicator.aggregation, indicator.rate_factor) == ("recompute", 1000)


@pytest.mark.parametrize(
    ("provision", "law"),
    [
        ("ondersteuning_thuis", "wmo"),
        ("hulp_bij_het_huishouden", "wmo"),
        ("verblijf_en_opvang", "wmo"),
        ("hulpmiddelen_en_diensten", "wmo"),
    ],
)
def test_a_provision_is_a_count_and_a_rate_of_its_law(bundled: Declarations, provision: str, law: str) -> None:
    found = {(i.unit, i.law) for i in bundled.indicators if i.provision == provision}
    assert found == {("count", law), ("per_1000", law)}


def test_the_client_experience_questions_have_their_ids(bundled: Declarations) -> None:
    questions = {i.question_id for i in bundled.indicators if i.survey == "ceo_wmo"}
    assert questions == {"kwaliteit", "oplossingen", "passend", "beter_doen"}


EVENT_REGISTER = [
    ("decentralisatie_2015", "2015-01-01", "2015-01-01", "mixed", {"NL01"}),
    ("overgangsjaar_buch_2015", "2015-01-01", "2015-12-31", "measurement", {"SV-BUCH"}),
    ("schoonmaakondersteuning_buch_2016", "2016-01-01", "2016-01-01", "mixed", {"SV-BUCH"}),
    ("ambtelijke_fusie_buch_2017", "2017-01-01", "2017-01-01", "measurement", {"SV-BUCH"}),
    ("harmonisatie_systemen_buch_2016_2017", "2016-01-01", "2017-12-31", "measurement", {"SV-BUCH"}),
    ("resultaatsturing_buch_2017", "2017-01-01", "2017-01-01", "mixed", {"SV-BUCH"}),
    ("klachtencoordinator_buch_2017", "2017-01-01", "2017-01-01", "measurement", {"SV-BUCH"}),
    ("inkoop_ijmond_2018", "2018-01-01", "2018-01-01", "mixed", {"SV-IJMOND"}),
    ("wmo_tabelwissel_2019", "2019-01-01", "2019-01-01", "measurement", {"NL01"}),
    ("reintegratie_transactiesysteem_2023", "2023-01-01", "2023-01-01", "measurement", {"NL01"}),
    ("abonnementstarief_wmo_2019", "2019-01-01", "2019-01-01", "real_world", {"NL01"}),
    ("corona_tozo_2020", "2020-01-01", "2020-12-31", "real_world", {"NL01"}),
    ("jeugdstatistiek_2021", "2021-01-01", "2021-01-01", "measurement", {"NL01"}),
    ("woonplaatsbeginsel_2022", "2022-01-01", "2022-01-01", "measurement", {"NL01"}),
    ("opvang_oekraine_2022", "2022-01-01", "2022-12-31", "real_world", {"NL01"}),
    ("energietoeslag_2022_2023", "2022-01-01", "2023-12-31", "real_world", {"NL01"}),
    ("iv3_subcodes_2023", "2023-01-01", "2023-01-01", "measurement", {"NL01"}),
    (
        "consortia_jeugdhulp_2023",
        "2023-01-01",
        "2023-12-31",
        "mixed",
        {"SV-IJMOND", "GM0377", "GM0392", "GM0397", "GM0473"},
    ),
    ("wmo_verwerking_cbs_2024", "2024-01-01", "2024-12-31", "measurement", {"NL01"}),
    ("iv3_hernummering_2025", "2025-01-01", "2025-01-01", "measurement", {"NL01"}),
]


@pytest.mark.parametrize("entry", EVENT_REGISTER, ids=lambda entry: str(entry[0]))
def test_the_event_register_has_every_first_entry(
    bundled: Declarations, entry: tuple[str, str, str, str, set[str]]
) -> None:
    event_id, begin, end, nature, regions = entry
    event = next(event for event in bundled.events if event.event_id == event_id)
    assert [day.isoformat() for day in event.window] == [begin, end]
    assert event.nature == nature
    assert set(event.region_codes) == regions


def test_the_event_register_of_the_real_country_has_no_other_entries(bundled: Declarations) -> None:
    live = load_declarations(PROJECT_ROOT / "sources", "live")
    assert {event.event_id for event in live.events} == {event_id for event_id, *_ in EVENT_REGISTER}
    assert len(bundled.events) > len(live.events)
