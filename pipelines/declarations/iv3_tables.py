"""The code lists of Iv3 as tables of the warehouse: which indicators make up a group, and what each taakveld links to.

What belongs here: laying the lists out into rows. What does not: the lists themselves (`iv3`).
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import product

from pipelines.declarations.iv3 import FOLLOWED_REPORTS, SIDES, Iv3CodeLists, indicator_of

Rows = list[dict[str, object]]


def iv3_rows(lists: Iv3CodeLists, indicator_ids: Collection[str]) -> dict[str, Rows]:
    """The rows of `declared.iv3_group` and `declared.iv3_taakveld`, by table.

    A side or report of which a member has no indicator is left out of a group.
    """
    return {"iv3_group": _group_rows(lists, frozenset(indicator_ids)), "iv3_taakveld": _taakveld_rows(lists)}


def _group_rows(lists: Iv3CodeLists, known: frozenset[str]) -> Rows:
    regimes = {one.regime: one for one in lists.regimes}
    rows: Rows = []
    for group in lists.groups:
        codes = {code for taakvelden in group.taakvelden.values() for code in taakvelden}
        for side, report_kind in product(SIDES, FOLLOWED_REPORTS):
            indicators = {code: indicator_of(side, code, report_kind) for code in codes}
            if not known.issuperset(indicators.values()):
                continue
            for name, taakvelden in sorted(group.taakvelden.items()):
                link = group.link_to(name)
                rows += [
                    {
                        "group_id": group.group_id,
                        "label_nl": group.label_nl,
                        "regime": name,
                        "first_year": regimes[name].first_year,
                        "last_year": regimes[name].last_year,
                        "taakveld": code,
                        "side": side,
                        "report_kind": report_kind,
                        "indicator_id": indicators[code],
                        "link_quality": link.quality if link else None,
                        "link_because": link.because if link else None,
                    }
                    for code in taakvelden
                ]
    return rows


def _taakveld_rows(lists: Iv3CodeLists) -> Rows:
    rows: Rows = []
    for regime in lists.regimes:
        names, parents = lists.taakvelden_of(regime.regime), lists.parents_of(regime.regime)
        alone = {
            code: one.because for one in lists.not_linked if one.regime == regime.regime for code in one.taakvelden
        }
        for code in [*names, *sorted(set(parents.values()).difference(names))]:
            in_whole = {code, parents.get(code, code)}
            groups = [
                one.group_id for one in lists.groups if not in_whole.isdisjoint(one.taakvelden.get(regime.regime, ()))
            ]
            rows.append(
                {
                    "regime": regime.regime,
                    "taakveld": code,
                    "name_nl": names.get(code),
                    "part_of": parents.get(code),
                    "first_year": regime.first_year,
                    "last_year": regime.last_year,
                    "group_ids": "|".join(groups) or None,
                    "not_linked_because": alone.get(code),
                }
            )
    return rows
