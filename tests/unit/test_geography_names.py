"""The names of the real municipalities, as deliveries write and mangle them, with the aliases that were reviewed.

What belongs here: the whole list of CBS with the declared aliases. What does not: the steps of the comparison, which
`test_geography_history.py` shows on a few names.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.load import Declarations, load_declarations
from pipelines.geography.history import History, parse_history
from pipelines.geography.lookup import declared_lookup
from pipelines.geography.regions import RegionLookup
from pipelines.settings import PROJECT_ROOT

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def history(shared_data: Path) -> History:
    text = (shared_data / "cbs_v4" / "03759ned" / "codes-RegioS.json").read_text(encoding="utf-8")
    return parse_history(json.loads(text)["value"])


@pytest.fixture(scope="module")
def declarations() -> Declarations:
    return load_declarations(PROJECT_ROOT / "sources", "live")


@pytest.fixture(scope="module")
def lookup(history: History, declarations: Declarations) -> RegionLookup:
    regions = history.regions
    pairs = zip(regions["region_code"].to_pylist(), regions["region_name"].to_pylist(), strict=True)
    return declared_lookup(declarations, "some_delivery", pairs)


@pytest.fixture(scope="module")
def current(history: History) -> dict[str, str]:
    valid = history.valid_on(dt.date(2026, 1, 1))
    return dict(zip(valid["region_code"].to_pylist(), valid["region_name"].to_pylist(), strict=True))


def resolved(lookup: RegionLookup, *names: str) -> list[str | None]:
    codes: list[str | None] = lookup.resolve_names(pa.array(names)).to_pylist()
    return codes


def test_the_title_of_every_municipality_of_2026_resolves_to_its_code(lookup: RegionLookup, current: dict[str, str]):
    assert len(current) == 342
    assert dict(zip(resolved(lookup, *current.values()), current.values(), strict=True)) == current


def test_every_code_resolves_with_and_without_its_zeros_and_letters(lookup: RegionLookup, current: dict[str, str]):
    for written in ("{}", "{} ", "  {}"):
        codes = [written.format(code) for code in current]
        assert lookup.resolve_codes(pa.array(codes)).to_pylist() == list(current)
    bare = [code.removeprefix("GM") for code in current]
    for numbers in (
        bare,
        [number.lstrip("0") for number in bare],
        [f"gemeente_{number.lstrip('0')}" for number in bare],
    ):
        assert lookup.resolve_codes(pa.array(numbers)).to_pylist() == list(current)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Bergen (NH.)", "GM0373"),
        ("Bergen (NH)", "GM0373"),
        ("Bergen (L)", "GM0893"),
        ("Bergen", None),
        ("Fryslân", "PV21"),
        ("Fryslan", "PV21"),
        ("Friesland", "PV21"),
        ("'s-Gravenhage", "GM0518"),
        ("s-Gravenhage", "GM0518"),
        ("\u2019s Gravenhage ", "GM0518"),
        ("Den Haag", "GM0518"),
        ("s-Hertogenbosch", "GM0796"),
        ("Sudwest-Fryslan", "GM1900"),
        ("Súdwest Fryslân", "GM1900"),
        ("Hengelo", "GM0164"),
        ("Hengelo (O)", "GM0164"),
        ("Hengelo (Gld.)", "GM0248"),
        ("NUENEN, GERWEN EN NEDERWETTEN", "GM0820"),
        ("Laren", "GM0417"),
        # a municipality and a province, and nobody said which
        ("Groningen", None),
        ("Utrecht", None),
        ("Groningen (gemeente)", "GM0014"),
        ("Utrecht (PV)", "PV26"),
        ("Nederland", "NL01"),
        # a cooperation, and a COROP area with other borders
        ("IJmond", None),
        ("BUCH-gemeenten", "SV-BUCH"),
        ("Bergen op Zoom", "GM0748"),
        ("Bergn", None),
    ],
)
def test_a_name_as_deliveries_write_it(lookup: RegionLookup, written: str, code: str | None):
    assert resolved(lookup, written) == [code]


def test_a_plain_bergen_is_one_of_two_but_for_the_deliveries_of_the_buch(history: History, lookup: RegionLookup):
    assert lookup.ambiguous("Bergen") == ("GM0373", "GM0893")
    regions = history.regions
    pairs = list(zip(regions["region_code"].to_pylist(), regions["region_name"].to_pylist(), strict=True))
    sample = load_declarations(PROJECT_ROOT / "sources", "sample")
    assert resolved(declared_lookup(sample, "finance_buch", pairs), "Bergen") == ["GM0373"]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_mangled_title_resolves_to_its_own_region_or_to_none(
    lookup: RegionLookup, history: History, data: st.DataObject
):
    regions = history.regions
    place = data.draw(st.integers(0, regions.num_rows - 1))
    code, title = regions["region_code"][place].as_py(), regions["region_name"][place].as_py()
    lost = data.draw(st.sets(st.sampled_from(["'", ".", " ", "-", "(", ")"])))
    written = "".join(letter for letter in title if letter not in lost)
    change_case = data.draw(st.sampled_from([str, str.upper, str.lower, str.title]))
    padding = data.draw(st.sampled_from(["", " ", "\u00a0", "\t"]))
    found = resolved(lookup, f"{padding}{change_case(written)}{padding}")
    assert found in ([code], [None])


def test_the_plain_title_of_every_region_but_one_is_clear(lookup: RegionLookup, history: History):
    regions = history.regions
    found = resolved(lookup, *regions["region_name"].to_pylist())
    unclear = [
        name
        for code, name, resolved_code in zip(
            regions["region_code"].to_pylist(), regions["region_name"].to_pylist(), found, strict=True
        )
        if code != resolved_code
    ]
    assert unclear == ["Zeeland"]


def test_a_wijk_is_known_by_its_code_and_not_by_its_name() -> None:
    lookup = RegionLookup([("VB0001", "Amberbrug (VB)")], {}, ["VBWK000101", " VBBU00010101 "])
    assert lookup.resolve_codes(pa.array(["vbwk000101", "VBBU00010101", "VBWK000102"])).to_pylist() == [
        "VBWK000101",
        "VBBU00010101",
        None,
    ]
    assert lookup.resolve_names(pa.array(["VBWK000101", "Amberbrug"])).to_pylist() == [None, "VB0001"]
