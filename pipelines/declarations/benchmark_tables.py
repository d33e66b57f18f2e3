"""The declarations of the benchmark as tables of the warehouse: items with their parts, mirrors, cautions, groups.

What belongs here: laying the lists out into rows, per regime of Iv3. What does not: the lists themselves
(`benchmark`, `iv3`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipelines.declarations.benchmark import (
    ItemCaution,
    MirroredItems,
    Opgave,
    OpgaveGroup,
    OpgaveTaakveld,
    ReferenceGroup,
    StructureCharacteristic,
)
from pipelines.declarations.iv3 import Iv3CodeLists, Iv3Regime, indicator_of

Rows = list[dict[str, object]]

TOTAL = "sociaal_domein"
TOTAL_LABEL = "Sociaal domein, alle taakvelden 6 samen"
# The benchmark is one of accounts, gross: what was spent, and not what was planned.
_SIDE, _REPORT = "lasten", "X005"


@dataclass(frozen=True)
class BenchmarkLists:
    """What is declared for the benchmark. Made of declarations that were held against each other already."""

    opgaven: tuple[Opgave, ...] = ()
    taakvelden: tuple[OpgaveTaakveld, ...] = ()
    mirrors: tuple[MirroredItems, ...] = ()
    groups: tuple[OpgaveGroup, ...] = ()
    cautions: tuple[ItemCaution, ...] = ()
    reference_groups: tuple[ReferenceGroup, ...] = ()
    characteristics: tuple[StructureCharacteristic, ...] = ()


def benchmark_rows(lists: BenchmarkLists, iv3: Iv3CodeLists, indicator_ids: Collection[str]) -> dict[str, Rows]:
    """The rows of the tables of `declared` that the benchmark reads, by table.

    A taakveld that no indicator follows is left out, and so is every sum that it is part of.
    """
    known = frozenset(indicator_ids)
    parts = [row for regime in iv3.regimes for row in _parts(lists, iv3, regime, known)]
    return {
        "benchmark_part": parts,
        "benchmark_group": _groups(lists, iv3),
        "benchmark_mirror": [
            {"item": code, "sum_item": mirror.item} for mirror in lists.mirrors for code in mirror.taakvelden
        ],
        "benchmark_caution": [
            {**caution.model_dump(exclude={"taakvelden", "opgaven"}), "item": item}
            for caution in lists.cautions
            for item in (*caution.opgaven, *_items_with(caution.taakvelden, parts, lists, iv3))
        ],
        "reference_group": [
            one.model_dump(include={"reference_group", "label_nl", "kind", "size", "reference"})
            for one in lists.reference_groups
        ],
        "reference_group_member": [
            {"reference_group": one.reference_group, "region_code": region, "member_code": member}
            for one in lists.reference_groups
            for region in one.regions
            for member in one.members
        ],
        "structure_characteristic": [
            {**one.model_dump(), "sort_index": place} for place, one in enumerate(lists.characteristics)
        ],
    }


def _parts(lists: BenchmarkLists, iv3: Iv3CodeLists, regime: Iv3Regime, known: frozenset[str]) -> Rows:
    """Every item of one regime, once for each indicator that it is the sum of."""
    figures, parents = iv3.figures_of(regime.regime), iv3.parents_of(regime.regime)
    labels = {one.opgave: one.label_nl for one in lists.opgaven}
    listed = [one for one in lists.taakvelden if one.taakveld in figures]
    whole = [one for one in listed if one.taakveld not in parents]

    def item(name: str, kind: str, label: str, opgave: str | None, codes: Sequence[str]) -> Rows:
        indicators = [indicator_of(_SIDE, code, _REPORT) for code in codes]
        if not known.issuperset(indicators):
            return []
        return [
            {
                "item": name,
                "item_kind": kind,
                "label_nl": label,
                "opgave": opgave,
                "opgave_nl": labels[opgave] if opgave else None,
                "first_year": regime.first_year,
                "last_year": regime.last_year,
                "indicator_id": indicator_id,
            }
            for indicator_id in indicators
        ]

    rows: Rows = []
    for one in listed:
        kind = "onderdeel" if one.taakveld in parents else "taakveld"
        rows += item(one.taakveld, kind, one.label_nl, one.opgave, [one.taakveld])
    opgave_of = {one.taakveld: one.opgave for one in listed}
    for mirror in lists.mirrors:
        if opgave_of.keys() >= set(mirror.taakvelden):
            rows += item(mirror.item, "samen", mirror.label_nl, opgave_of[mirror.taakvelden[0]], mirror.taakvelden)
    for opgave, label in labels.items():
        codes = [one.taakveld for one in whole if one.opgave == opgave]
        rows += item(opgave, "opgave", label, opgave, codes)
    return rows + (item(TOTAL, "totaal", TOTAL_LABEL, None, [one.taakveld for one in whole]) if whole else [])


def _items_with(codes: Sequence[str], parts: Rows, lists: BenchmarkLists, iv3: Iv3CodeLists) -> list[str]:
    """The items that one of these taakvelden is part of: itself, sums and groups."""
    indicators = {indicator_of(_SIDE, code, _REPORT) for code in codes}
    found = [str(row["item"]) for row in parts if row["indicator_id"] in indicators]
    of_group = {
        group.group_id: {code for listed in group.taakvelden.values() for code in listed} for group in iv3.groups
    }
    found += [one.group_id for one in lists.groups if not of_group[one.group_id].isdisjoint(codes)]
    return list(dict.fromkeys(found))


def _groups(lists: BenchmarkLists, iv3: Iv3CodeLists) -> Rows:
    names = {group.group_id: group.label_nl for group in iv3.groups}
    labels = {one.opgave: one.label_nl for one in lists.opgaven}
    return [
        {
            "item": one.group_id,
            "label_nl": names[one.group_id],
            "opgave": one.opgave,
            "opgave_nl": labels[one.opgave],
        }
        for one in lists.groups
    ]
