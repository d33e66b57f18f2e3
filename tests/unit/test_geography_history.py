"""The history parsed from CBS's prose, and the names and codes that deliveries use for regions."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.geography.history import History, parse_history
from pipelines.geography.regions import RegionLookup

NEW_YEAR_2021 = dt.date(2021, 1, 1)


def codes(*rows: tuple[str, str, str]) -> list[dict[str, str]]:
    """Rows as CBS sends them, from (code, title, description)."""
    return [{"Identifier": code, "Title": title, "Description": text} for code, title, text in rows]


MERGER = codes(
    (
        "GM0001",
        "Oosterdorp",
        "Opgeheven per 01-01-2021, overgegaan naar:\r\n"
        "- Westerdorp (GM0002),\r\n... 500 hectare met 40 woningen en 100 inwoners\r\n"
        "- Zuiderdorp (GM0003),\r\n... 1 hectare met 200 woningen en 300 inwoners\r\n\r\n"
        "Begindatum voor 1830\r\n",
    ),
    (
        "GM0002",
        "Westerdorp",
        "Gemeentelijke herindeling per 01-01-2021, ontvangen van:\r\n"
        "- Oosterdorp (GM0001),\r\n... 500 hectare met 40 woningen en 100 inwoners\r\n"
        "- Westerdorp (GM0002),\r\n... 900 hectare met 70 woningen en 900 inwoners \r\n"
        "Grenswijziging per 01-01-2021, ontvangen van:\r\n"
        "- Zuiderdorp (GM0003),\r\n... 0,17 hectare met 1 woning en 1 inwoner\r\n\r\n"
        "Begindatum 01-01-1980\r\n",
    ),
    (
        "GM0003",
        "Zuiderdorp",
        "Grenswijziging per 01-01-2021, ontvangen van:\r\n"
        "- Oosterdorp (GM0001),\r\n... 1 hectare met 200 woningen en 300 inwoners\r\n"
        "Grenswijziging per 01-01-2021, overgegaan naar:\r\n"
        "- Westerdorp (GM0002),\r\n... 0,17 hectare met 1 woning en 1 inwoner\r\n",
    ),
)


def row(table: pa.Table, **wanted: object) -> dict[str, object]:
    """The one row with these values."""
    (found,) = [one for one in table.to_pylist() if all(one[name] == value for name, value in wanted.items())]
    return found


def figures(history: History) -> tuple[object, object, object]:
    (change,) = history.changes.to_pylist()
    return change["hectares"], change["dwellings"], change["inhabitants"]


def test_a_flow_told_at_both_ends_is_one_row_seen_at_both():
    history = parse_history(MERGER)
    assert row(history.changes, from_code="GM0001", to_code="GM0002") == {
        "from_code": "GM0001",
        "from_name": "Oosterdorp",
        "to_code": "GM0002",
        "to_name": "Westerdorp",
        "effective_date": NEW_YEAR_2021,
        "kind": "herindeling",
        "inhabitants": 100,
        "dwellings": 40,
        "hectares": 500.0,
        "seen_at": ["GM0001", "GM0002"],
    }
    assert history.conflicts.num_rows == 0
    assert history.unrecognised.num_rows == 0


def test_abolition_flows_boundary_corrections_and_own_parts_are_told_apart():
    history = parse_history(MERGER)
    kinds = {(one["from_code"], one["to_code"]): one["kind"] for one in history.changes.to_pylist()}
    assert kinds == {
        ("GM0001", "GM0002"): "herindeling",
        # The receiver calls this a boundary correction; the giver was abolished by it.
        ("GM0001", "GM0003"): "herindeling",
        ("GM0002", "GM0002"): "eigen_deel",
        ("GM0003", "GM0002"): "grenswijziging",
    }


def test_successors_come_with_the_largest_number_of_inhabitants_first_and_validity_ends_on_the_day():
    regions = parse_history(MERGER).regions
    gone = row(regions, region_code="GM0001")
    assert gone["successor_codes"] == ["GM0003", "GM0002"]
    assert (gone["valid_from"], gone["valid_to"]) == (None, NEW_YEAR_2021)
    assert row(regions, region_code="GM0002")["predecessor_codes"] == ["GM0001"]
    assert row(regions, region_code="GM0002")["valid_from"] == dt.date(1980, 1, 1)
    assert row(regions, region_code="GM0003")["successor_codes"] == []


def test_a_municipality_is_valid_until_the_day_before_it_ends():
    history = parse_history(MERGER)
    assert history.valid_on(dt.date(2020, 12, 31)).num_rows == 3
    assert history.valid_on(NEW_YEAR_2021).num_rows == 2


def test_a_rename_ends_the_old_code_and_founds_the_new_one():
    history = parse_history(
        codes(
            ("GM0240", "Groenlo", "Naamswijziging per 19-05-2006,\r\nnieuwe naam: Oost Gelre (GM1586),\r\n"),
            (
                "GM1586",
                "Oost Gelre",
                "Naamswijziging per 19-05-2006,\r\noude naam: Groenlo (GM0240)\r\nBegindatum 19-05-2006",
            ),
        )
    )
    (change,) = history.changes.to_pylist()
    assert (change["from_code"], change["to_code"], change["kind"]) == ("GM0240", "GM1586", "naamswijziging")
    assert change["inhabitants"] is None
    assert row(history.regions, region_code="GM0240")["valid_to"] == dt.date(2006, 5, 19)
    assert row(history.regions, region_code="GM0240")["successor_codes"] == ["GM1586"]
    assert row(history.regions, region_code="GM1586")["valid_from"] == dt.date(2006, 5, 19)


def test_a_rename_under_the_same_code_ends_nothing_and_keeps_both_names():
    history = parse_history(
        codes(("GM0005", "Nieuwdorp", "Naamswijziging per 01-07-2010,\r\noude naam: Ouddorp (GM0005)"))
    )
    (change,) = history.changes.to_pylist()
    assert (change["from_name"], change["to_name"]) == ("Ouddorp", "Nieuwdorp")
    assert row(history.regions, region_code="GM0005")["valid_to"] is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 hectare met 1 woning en 1 inwoner", (12.0, 1, 1)),
        ("12 hectare 30 woningen en 4 inwoners.", (12.0, 30, 4)),
        ("12 hectare met 4 inwoners", (12.0, None, 4)),
        ("30 woningen en 4 inwoners", (None, 30, 4)),
        ("13 inwoners", (None, None, 13)),
        ("1,14 hectare met 0 woningen en 0 inwoners", (1.14, 0, 0)),
        ("26 hectare met 0 woningen en 7\r\ninwoners", (26.0, 0, 7)),
    ],
)
def test_figures_are_read_in_every_way_the_source_writes_them(text: str, expected: tuple[object, ...]):
    description = f"Wijziging per 01-01-1990, overgegaan naar:\r\n- Dorp (GM0002),\r\n... {text}\r\n"
    history = parse_history(codes(("GM0001", "Stad", description)))
    assert figures(history) == expected
    assert history.unrecognised.num_rows == 0


@pytest.mark.parametrize(
    "line",
    [
        "... 12 hectare met 3 inwoners en 4 inwoners",
        "... 1.200 inwoners",
        "... 12 bunder met 3 woningen",
        "... 12 hectare met 3 woningen en",
        "... ongeveer 12 inwoners",
    ],
)
def test_figures_that_could_be_misread_are_reported_and_not_taken(line: str):
    description = f"Wijziging per 01-01-1990, overgegaan naar:\r\n- Dorp (GM0002),\r\n{line}"
    history = parse_history(codes(("GM0001", "Stad", description)))
    assert figures(history) == (None, None, None)
    assert history.unrecognised.to_pylist() == [{"region_code": "GM0001", "line_number": 3, "line": line}]


def test_items_under_an_unknown_heading_are_not_read_as_part_of_the_section_before():
    text = (
        "Grenswijziging per 01-01-1990, overgegaan naar:\n- Dorp (GM0002),\n... 1 hectare\n"
        "Afsplitsing per 01-01-2000, overgegaan naar:\n- Buurt (GM0003),\n... 2 hectare"
    )
    history = parse_history(codes(("GM0001", "Stad", text)))
    assert history.changes["to_code"].to_pylist() == ["GM0002"]
    assert history.unrecognised["line_number"].to_pylist() == [4, 5, 6]


@pytest.mark.parametrize(
    "line", ["Begindatum 31-02-2000", "Opgeheven per 01-13-2000", "Opgeheven per 01-01-2000, uit:"]
)
def test_an_impossible_date_or_direction_is_reported(line: str):
    history = parse_history(codes(("GM0001", "Stad", line)))
    assert history.unrecognised["line"].to_pylist() == [line]
    assert row(history.regions, region_code="GM0001")["valid_to"] is None


def test_where_the_ends_disagree_the_giving_end_counts_and_the_other_figure_stays_visible():
    rows = codes(
        ("GM0001", "Stad", "Wijziging per 01-01-1990, overgegaan naar:\n- Dorp (GM0002),\n... 7 inwoners"),
        ("GM0002", "Dorp", "Wijziging per 01-01-1990, ontvangen van:\n- Stad (GM0001),\n... 9 inwoners"),
    )
    history = parse_history(rows)
    assert figures(history) == (None, None, 7)
    assert history.conflicts.to_pylist() == [
        {
            "from_code": "GM0001",
            "to_code": "GM0002",
            "effective_date": dt.date(1990, 1, 1),
            "quantity": "inhabitants",
            "kept": "7",
            "stated": "9",
            "seen_at": "GM0002",
        }
    ]


def test_a_figure_that_one_end_leaves_out_is_taken_from_the_other():
    rows = codes(
        ("GM0001", "Stad", "Wijziging per 01-01-1990, overgegaan naar:\n- Dorp (GM0002)\n... 5 hectare"),
        ("GM0002", "Dorp", "Wijziging per 01-01-1990, ontvangen van:\n- Stad (GM0001),\n... 9 inwoners"),
    )
    assert figures(parse_history(rows)) == (5.0, None, 9)


def test_a_province_that_repeats_a_flow_confirms_it_and_makes_none_of_its_own():
    province = (
        "PV = Provincie\nGrenswijziging per 01-01-2021:\n"
        "- Ontvangen van Overkant (PV98), 500 hectare met 40 woningen en 100 inwoners\n"
        "... Westerdorp (0002) ontvangt van het opgeheven Oosterdorp (GM0001), 500 hectare met 100 inwoners\n"
        "... Westerdorp (GM0002) ontvangt van Westerdorp (GM0009), 5 hectare met 8 inwoners\n"
    )
    history = parse_history([*MERGER, *codes(("PV99", "Hier (PV)", province))])
    assert row(history.changes, from_code="PV98")["kind"] == "grenswijziging"
    assert row(history.changes, from_code="GM0001", to_code="GM0002")["seen_at"] == [
        "GM0001",
        "GM0002",
        "PV99",
    ]
    assert "GM0009" not in history.changes["from_code"].to_pylist()
    conflict = row(history.conflicts, from_code="GM0009")
    assert (conflict["quantity"], conflict["kept"], conflict["stated"]) == ("flow", None, "8")
    assert history.unrecognised.num_rows == 0


def test_a_begin_date_that_contradicts_the_founding_merger_is_kept_as_a_conflict():
    text = "Ontstaan per 01-01-2016, ontvangen van:\n- Dorp (GM0002),\n... 5 inwoners\nBegindatum 01-01-2015"
    history = parse_history(codes(("GM0001", "Stad", text)))
    assert row(history.regions, region_code="GM0001")["valid_from"] == dt.date(2016, 1, 1)
    conflict = row(history.conflicts, to_code="GM0001")
    assert (conflict["quantity"], conflict["kept"], conflict["stated"]) == (
        "valid_from",
        "2016-01-01",
        "2015-01-01",
    )


def test_a_move_to_another_province_is_told_in_province_codes():
    text = "Provinciale wijziging per 01-01-2002:\n- overgegaan van provincie Zuid-Holland naar provincie Nergens"
    history = parse_history(codes(("GM0620", "Vianen", text), ("PV28", "Zuid-Holland (PV)", "PV = Provincie")))
    (change,) = history.province_changes.to_pylist()
    assert (change["from_province"], change["to_province"]) == ("PV28", "Nergens")


def test_a_code_listed_by_several_tables_is_told_by_all_of_them_together():
    other = codes(("GM0001", "Oosterdorp (gemeente)", ""), ("GM0002", "Westerdorp", ""))
    history = parse_history([*MERGER, *other, *MERGER])
    assert history.changes.equals(parse_history(MERGER).changes)
    assert history.regions.equals(parse_history(MERGER).regions)
    conflict = row(history.conflicts, to_code="GM0001")
    assert (conflict["quantity"], conflict["kept"], conflict["stated"]) == (
        "region_name",
        "Oosterdorp",
        "Oosterdorp (gemeente)",
    )


def test_region_types_follow_the_code_and_only_the_fictional_country_is_fictional():
    rows = codes(
        ("NL01  ", "Nederland ", ""),
        ("LD01", "Noord-Nederland (LD)", ""),
        ("PV20", "Groningen (PV)", ""),
        ("CR01", "Oost-Groningen (CR)", ""),
        ("GM0014", "Groningen (gemeente)", ""),
        ("GM0997", "Centraal persoonsregister (CPR)", ""),
        ("VB00", "Voorbeeldland", ""),
        ("VB0001", "Amberdam (VB)", "Fictief voorbeeld, geen echte gemeenten."),
    )
    history = parse_history(rows)
    assert history.regions["region_type"].to_pylist() == [
        "land",
        "landsdeel",
        "provincie",
        "corop",
        "gemeente",
        "overig",
        "land",
        "gemeente",
    ]
    assert history.regions["is_fictional"].to_pylist() == [False] * 6 + [True] * 2
    assert history.regions.slice(0, 1).select(["region_code", "region_name"]).to_pylist() == [
        {"region_code": "NL01", "region_name": "Nederland"}
    ]
    assert history.unrecognised.num_rows == 0


def test_a_table_and_rows_give_the_same_history():
    assert parse_history(pa.Table.from_pylist(MERGER)).changes.equals(parse_history(MERGER).changes)


def test_no_codes_give_empty_tables_with_their_columns():
    history = parse_history([])
    assert history.changes.num_rows == history.regions.num_rows == 0
    assert "successor_codes" in history.regions.column_names


def test_a_missing_column_or_an_empty_code_is_refused_with_what_was_expected():
    with pytest.raises(ValueError, match="found no Description"):
        parse_history([{"Identifier": "GM0001", "Title": "Stad"}])
    with pytest.raises(ValueError, match="found an empty Identifier"):
        parse_history(codes((" ", "Stad", "")))


FRAGMENTS = st.sampled_from(
    [
        "Opgeheven per 01-01-2021, overgegaan naar:",
        "Gemeentelijke herindeling per 01-01-2021, ontvangen van:",
        "Grenswijziging per 32-01-2021, overgegaan naar:",
        "Grenswijziging per 01-01-2021:",
        "Naamswijziging per 01-01-2021,",
        "oude naam: A (GM0001)",
        "nieuwe naam: B (GM0002),",
        "- C (D) (GM0003),",
        "- Over naar E (PV20), 1 hectare met 999999999 inwoners",
        "... 5 hectare met 1 woning en 3 inwoners",
        "... A (GM0001) ontvangt van B (0002)",
        "... A (GM0001) wordt opgeheven en gaat over naar B (GM0002), 5 hectare",
        "Begindatum 01-01-2021",
        "inwoners",
        ".",
    ]
)


@given(st.lists(st.one_of(FRAGMENTS, st.text(max_size=40), st.text("-.()GM0123 ,\n", max_size=20))))
def test_any_text_is_read_without_raising_and_every_line_is_accounted_for(lines: list[str]):
    text = "\r\n".join(lines)
    history = parse_history(codes(("GM0001", "Stad", text), ("GM0002", "Dorp", "")))
    stripped = [line.strip() for line in text.splitlines() if line.strip()]
    joined = stripped[1:].count("inwoners")
    assert sum(history.line_kinds.values()) == len(stripped) - joined
    assert history.line_kinds.get("unrecognised", 0) == history.unrecognised.num_rows


@given(st.text(min_size=1).filter(lambda text: text.strip() and len(text.splitlines()) == 1))
def test_prose_that_the_grammar_does_not_know_is_reported_word_for_word(line: str):
    history = parse_history(codes(("GM0001", "Stad", f"Bijzonderheid: {line}")))
    assert history.unrecognised["line"].to_pylist() == [f"Bijzonderheid: {line}".strip()]


def test_half_of_a_character_pair_is_reported_and_does_not_raise():
    history = parse_history(codes(("GM0001", "Stad", "kapot \ud800")))
    assert history.unrecognised["line"].to_pylist() == ["kapot \\ud800"]


# --- the real code list ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_history(shared_data: Path) -> History:
    text = (shared_data / "cbs_v4" / "03759ned" / "codes-RegioS.json").read_text(encoding="utf-8")
    return parse_history(json.loads(text)["value"])


@pytest.mark.shared_data
def test_every_line_of_the_real_code_list_is_understood(real_history: History):
    assert real_history.unrecognised.to_pylist() == []
    assert sum(real_history.line_kinds.values()) == 8997
    assert real_history.regions.num_rows == 892


@pytest.mark.shared_data
def test_haaren_has_its_four_successors_with_their_inhabitants(real_history: History):
    assert row(real_history.regions, region_code="GM0788")["successor_codes"] == [
        "GM0824",
        "GM0865",
        "GM0757",
        "GM0855",
    ]
    changes = real_history.changes
    split = changes.filter(pc.and_(pc.equal(changes["from_code"], "GM0788"), pc.equal(changes["kind"], "herindeling")))
    assert dict(zip(split["to_code"].to_pylist(), split["inhabitants"].to_pylist(), strict=True)) == {
        "GM0824": 5827,
        "GM0865": 4900,
        "GM0757": 2149,
        "GM0855": 1442,
    }


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("year", "count"),
    [
        (1990, 672),
        (2000, 537),
        (2014, 403),
        (2015, 393),
        (2016, 390),
        (2017, 388),
        (2018, 380),
        (2019, 355),
        (2020, 355),
        (2021, 352),
        (2022, 345),
        (2023, 342),
        (2024, 342),
        (2025, 342),
        (2026, 342),
    ],
)
def test_the_parsed_validity_gives_the_official_number_of_municipalities(real_history: History, year: int, count: int):
    assert real_history.valid_on(dt.date(year, 1, 1)).num_rows == count


@pytest.mark.shared_data
def test_municipalities_with_population_are_exactly_the_valid_ones(real_history: History, shared_data: Path):
    page = shared_data / "cbs_v4" / "03759ned" / "observations-page-1.json"
    counted: dict[str, set[str]] = {}
    for one in json.loads(page.read_text(encoding="utf-8"))["value"]:
        if one["Measure"] == "M000352" and one["Value"] is not None and one["RegioS"].startswith("GM"):
            counted.setdefault(one["Perioden"][:4], set()).add(one["RegioS"].strip())
    assert sorted(counted) == [str(year) for year in range(2019, 2027)]
    for year, found in counted.items():
        valid = real_history.valid_on(dt.date(int(year), 1, 1))
        assert found == set(valid["region_code"].to_pylist()), year


@pytest.mark.shared_data
def test_weesp_ended_in_the_middle_of_a_year(real_history: History):
    weesp = row(real_history.regions, region_code="GM0457")
    assert (weesp["valid_to"], weesp["successor_codes"]) == (dt.date(2022, 3, 24), ["GM0363"])
    assert "GM0457" in real_history.valid_on(dt.date(2022, 1, 1))["region_code"].to_pylist()
    assert "GM0457" not in real_history.valid_on(dt.date(2023, 1, 1))["region_code"].to_pylist()


@pytest.mark.shared_data
def test_the_contradictions_in_the_real_code_list_are_shown(real_history: History):
    found = {(one["quantity"], one["seen_at"]) for one in real_history.conflicts.to_pylist()}
    assert found == {("flow", "CR17"), ("flow", "CR04"), ("flow", "CR05"), ("valid_from", "GM1942")}


# --- names and codes ---------------------------------------------------------------------------------------

REGIONS = [
    ("GM0373", "Bergen (NH.)"),
    ("GM0893", "Bergen (L.)"),
    ("GM0518", "'s-Gravenhage (gemeente)"),
    ("GM0417", "Laren (NH.)"),
    ("GM0106", "Assen"),
    ("GM1900", "Súdwest-Fryslân"),
    ("GM0713", "Sluis (oud)"),
    ("GM1714", "Sluis"),
    ("GM0877", "Zeeland"),
    ("PV29", "Zeeland (PV)"),
    ("NL01", "Nederland"),
    ("VB0001", "Amberdam (VB)"),
    ("SV-BUCH", "BUCH"),
]
ALIASES = {"Den Haag": "GM0518", "Súdwest Fryslân": "GM1900"}
LOOKUP = RegionLookup(REGIONS, ALIASES)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Bergen (NH.)", "GM0373"),
        ("Bergen (NH)", "GM0373"),
        ("  bergen   (nh.) ", "GM0373"),
        ("Bergen", None),
        ("Bergen (ZH.)", None),
        ("'s-Gravenhage", "GM0518"),
        ("s-Gravenhage", "GM0518"),
        ("\u2019s-Gravenhage", "GM0518"),
        ("den haag", "GM0518"),
        ("Laren", "GM0417"),
        ("ASSEN", "GM0106"),
        ("Assen\u00a0", "GM0106"),
        ("Su\u0301dwest-Frysla\u0302n", "GM1900"),
        ("Sluis", "GM1714"),
        ("Zeeland", None),
        ("Zeeland (PV)", "PV29"),
        ("BUCH", "SV-BUCH"),
        ("Asse", None),
        ("", None),
    ],
)
def test_a_name_resolves_to_the_one_region_it_can_mean(name: str, code: str | None):
    assert LOOKUP.resolve_names(pa.array([name])).to_pylist() == [code]


def test_an_ambiguous_name_says_which_codes_it_might_be():
    assert LOOKUP.ambiguous("Bergen") == ("GM0373", "GM0893")
    assert LOOKUP.ambiguous("Zeeland") == ("GM0877", "PV29")
    assert LOOKUP.ambiguous("Assen") == ()
    assert LOOKUP.ambiguous("Nergenshuizen") == ()


def test_an_alias_settles_an_ambiguous_name():
    lookup = RegionLookup(REGIONS, {"Bergen": "GM0373"})
    assert lookup.resolve_names(pa.array(["Bergen", "bergen "])).to_pylist() == ["GM0373", "GM0373"]
    assert lookup.ambiguous("Bergen") == ()


def test_two_regions_with_one_title_are_ambiguous():
    lookup = RegionLookup([("GM0001", "Dorp"), ("GM0002", "Dorp")], {})
    assert lookup.resolve_names(pa.array(["Dorp"])).to_pylist() == [None]


def test_a_wrong_alias_is_refused():
    with pytest.raises(ValueError, match="expected the code of a known region"):
        RegionLookup(REGIONS, {"Den Haag": "GM9999"})
    with pytest.raises(ValueError, match="expected GM0106"):
        RegionLookup(REGIONS, {"assen": "GM0518"})
    with pytest.raises(ValueError, match="expected one"):
        RegionLookup(REGIONS, {"Hofstad": "GM0518", "hofstad": "GM0106"})


def test_codes_resolve_in_every_form_that_deliveries_use():
    written = [
        "GM0373",
        "0373",
        "373",
        " gemeente_106 ",
        "nl01",
        "VB0001",
        "SV-BUCH",
        "GM9999",
        "9999",
        "",
        None,
    ]
    expected = ["GM0373", "GM0373", "GM0373", "GM0106", "NL01", "VB0001", "SV-BUCH", None, None, None, None]
    assert LOOKUP.resolve_codes(pa.array(written)).to_pylist() == expected


def test_numbers_chunks_and_dictionaries_are_resolved_like_text():
    assert LOOKUP.resolve_codes(pa.array([373, 106, 5])).to_pylist() == ["GM0373", "GM0106", None]
    chunks = pa.chunked_array([["Assen", None], ["Assen"]])
    assert LOOKUP.resolve_names(chunks).to_pylist() == ["GM0106", None, "GM0106"]
    assert LOOKUP.resolve_names(chunks.dictionary_encode()).to_pylist() == ["GM0106", None, "GM0106"]
    assert LOOKUP.resolve_names(pa.array([], pa.string())).to_pylist() == []


def test_near_names_are_suggested_as_the_source_spells_them():
    assert LOOKUP.suggest("Asen")[0] == "Assen"
    assert set(LOOKUP.suggest("Bergn")) == {"Bergen (NH.)", "Bergen (L.)"}
    assert LOOKUP.suggest("Xyzzy") == ()


@given(st.text())
def test_a_name_resolves_only_when_it_is_not_ambiguous(name: str):
    (code,) = LOOKUP.resolve_names(pa.array([name])).to_pylist()
    assert code is None or not LOOKUP.ambiguous(name)


@pytest.mark.shared_data
def test_every_real_title_resolves_to_its_own_code(real_history: History):
    regions = real_history.regions
    pairs = list(zip(regions["region_code"].to_pylist(), regions["region_name"].to_pylist(), strict=True))
    lookup = RegionLookup(pairs, {})
    resolved = lookup.resolve_names(regions["region_name"]).to_pylist()
    lost = [name for (code, name), found in zip(pairs, resolved, strict=True) if found != code]
    # The one title that a province shares: a former municipality in Noord-Brabant.
    assert lost == ["Zeeland"]
    assert lookup.resolve_codes(regions["region_code"]).to_pylist() == regions["region_code"].to_pylist()
