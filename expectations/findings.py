"""From check results to findings: the rows an alert is about, with labels, cause and next step in Dutch.

What belongs here: which row becomes which finding, and the wording of one line about it. What does not: which
findings are new, how a message looks and where it goes; that is `pipelines.alerts`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from expectations.check import Check, CheckResult
from expectations.dutch import dutch_number
from pipelines.alerts.findings import Finding

NOT_EVALUATED = "not_evaluated"
"""Key of the finding that a check could not be evaluated."""


def to_findings(results: Sequence[CheckResult], names: Mapping[str, str]) -> list[Finding]:
    """One finding per failing key, and one per check that could not be evaluated.

    `names` maps region codes and indicator ids to their Dutch labels; what it lacks keeps its code only.
    """
    findings: list[Finding] = []
    for result in results:
        if not result.evaluated:
            findings.append(_not_evaluated(result))
        elif not result.passed:
            findings += [_finding(result.check, row, names) for row in result.failing_rows.to_pylist()]
    return findings


def _finding(check: Check, row: dict[str, Any], names: Mapping[str, str]) -> Finding:
    region, indicator, period = (_text(row.get(c)) for c in ("region_code", "indicator_id", "period_code"))
    explanation = _text(row.get(check.explained_by)) if check.explained_by else None
    detail = check.detail_nl.format_map({name: _Shown(value) for name, value in row.items()})
    return Finding(
        check=check.name,
        severity=check.severity,
        key="|".join(_text(row[column]) or "-" for column in check.key_columns),
        title_nl=f"{check.title_nl}: {detail}" if detail else check.title_nl,
        cause_nl=f"Meestal: {check.usual_cause_nl}",
        next_step_nl=check.next_step_nl,
        region_code=region,
        region_name=names.get(region) if region else None,
        indicator_id=indicator,
        indicator_label=names.get(indicator) if indicator else None,
        period_code=period,
        explanation_nl=explanation,
        source_id=_text(row.get("source_id")) or _source_of(check),
        rows=({name: value for name, value in row.items() if name != check.explained_by},),
    )


def _not_evaluated(result: CheckResult) -> Finding:
    check = result.check
    return Finding(
        check=check.name,
        severity=check.severity,
        key=NOT_EVALUATED,
        title_nl=f"Niet gecontroleerd: {check.title_nl[0].lower()}{check.title_nl[1:]}",
        cause_nl=f"De controle op {check.asset} kon niet worden uitgevoerd: {result.error}",
        next_step_nl="Ga na of de tabel in deze run is gemaakt; de log van de run noemt de fout.",
        source_id=_source_of(check),
    )


def _source_of(check: Check) -> str | None:
    """The source that a check is about as a whole; `raw.delivery` and the tables after it are of all sources."""
    layer, _, table = check.asset.partition(".")
    return table if layer == "raw" and table != "delivery" else None


def _text(value: object) -> str | None:
    """A value of a key as text; None for what is empty, a missing number included.

    A whole number stays whole: a column of them with one gap in it comes as fractions, and a key must not
    change from `2016` to `2016.0` by what another row lacks.
    """
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


class _Shown:
    """A value as a reader of Dutch expects it: `{value}` gives `61.769.188`, `{value:+}` gives `+41,3`."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __format__(self, spec: str) -> str:
        value = self._value
        if _text(value) is None:
            return "onbekend"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return str(value)
        return dutch_number(value, signed=spec == "+")
