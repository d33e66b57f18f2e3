"""The shapes of the catalogue under `sources/catalogue/`: indicators, regions, events, goals, decisions and
so on.

What belongs here: what one declaration must look like by itself. What does not: whether declarations agree
with each other (`checks`), reading files (`load`), and what they stand for in the warehouse (`expand`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pipelines.declarations.policy import Domain, Ontwikkellijn, Opgave, Theme
from pipelines.declarations.strict import Strict
from pipelines.periods import period_bounds, period_kind

# Patterns instead of free text, because these ids become column values that people filter on.
_ID = r"^[a-z][a-z0-9_]*$"
_REGION = r"^[A-Z]{2,}[A-Z0-9-]*$"

_RATE_FACTOR: dict[str, float] = {"per_1000": 1_000.0, "per_10000": 10_000.0, "pct": 100.0}


def _year_as_text(value: Any) -> Any:
    # YAML reads an unquoted 2016 as a number; a year is meant.
    is_year = isinstance(value, int) and not isinstance(value, bool) and 1000 <= value <= 2999
    return str(value) if is_year else value


def _checked_period(value: str) -> str:
    period_kind(value)
    return value


Id = Annotated[str, Field(pattern=_ID)]
RegionCode = Annotated[str, Field(pattern=_REGION)]
PeriodCode = Annotated[str, BeforeValidator(_year_as_text), AfterValidator(_checked_period)]
Text = Annotated[str, Field(min_length=1)]
IndicatorPattern = Annotated[str, Field(pattern=r"^(\*|[a-z][a-z0-9_]*\*?)$")]

Unit = Literal["count", "per_1000", "per_10000", "pct", "eur", "eur_per_inhabitant", "mean"]


def _first_day(value: Any) -> Any:
    # A period stands for its first day; a date stays one.
    if isinstance(value, dt.date):
        return value
    text = _year_as_text(value)
    if isinstance(text, str):
        try:
            return period_bounds(text)[0]
        except ValueError:
            return text
    return value


class DefinitionVersion(Strict):
    """What an indicator counts from a day on; a period code stands for its first day.

    Figures on either side of that day do not compare, unless the version says that they do
    (`comparable_with_earlier`). `country_code` limits the version to the municipalities of one country: what a
    Dutch publisher changed did not change in Voorbeeldland. The first version may do without a text: what is counted
    is then what the indicator says of itself. A version of which nobody knows the first day says why
    (`undated_because`), and is the only one. `valid_until` is the last day of the last version, where it has ended.
    """

    valid_from: Annotated[dt.date | None, BeforeValidator(_first_day)] = Field(default=None, alias="from")
    undated_because: Text | None = None
    valid_until: dt.date | None = None
    text_nl: Text | None = None
    country_code: RegionCode | None = None
    comparable_with_earlier: bool = False
    reference: Text

    @model_validator(mode="after")
    def _has_a_day_or_a_reason(self) -> DefinitionVersion:
        if (self.valid_from is None) == (self.undated_because is None):
            raise ValueError("found no day and no reason, or both, expected `from`, or `undated_because`")
        return self


def checked_versions(versions: tuple[DefinitionVersion, ...]) -> tuple[DefinitionVersion, ...]:
    """The versions of one definition, as they are. Raises ValueError where they do not follow on each other."""
    days = [version.valid_from for version in versions if version.valid_from is not None]
    if days != sorted(set(days)):
        raise ValueError("found definitions out of order or twice on one day, expected each after the one before")
    if len(days) < len(versions) and len(versions) > 1:
        raise ValueError("found a definition without a day among others, expected a day for each")
    if any(version.text_nl is None for version in versions[1:]):
        raise ValueError("found a later definition without a text, expected what changed")
    return versions


class Indicator(Strict):
    """One figure that the warehouse follows.

    `sources` is in order of preference: where two deliver the same figure, the first counts and the other is
    held against it. An indicator with aggregation `recompute` is numerator / denominator * `rate_factor`,
    wherever both exist; a published value of a source in `sources` goes before it. One with aggregation
    `weighted_mean` is published without its counts: on other borders it is the mean of the published figures,
    weighted by the indicator `denominator_id` (what it is a share of). An indicator without sources and without
    numerator is declared because a goal or an event speaks of it: nothing delivers it yet.

    `opgave` (003), `ontwikkellijn` (001) and `theme` (002) are given where the document itself puts the figure there.
    One that serves all of them and none in particular (inhabitants, prices) has the opgave `geen`, and says why in
    `opgave_because`. `definitions` are in order of time; what a family shares stands in `definitions.yml`, and what the
    code lists of Iv3 say of a taakveld needs no declaring. `rounding` is what a shown value is a multiple of: 5, 1, or
    0.1 for one decimal.
    """

    indicator_id: Id
    label_nl: Text
    label_en: Text
    law: Literal["jeugd", "wmo", "participatie", "algemeen"]
    unit: Unit
    value_kind: Literal["stock", "flow", "rate", "share", "amount"]
    numerator_id: Id | None = None
    denominator_id: Id | None = None
    aggregation: Literal["sum", "weighted_mean", "recompute", "none"]
    desired_direction: Literal["up", "down", "none"]
    description_nl: Text
    provision: Id | None = None
    survey: Id | None = None
    question_id: Id | None = None
    domain: Domain | None = None
    opgave: Opgave | Literal["geen"] | None = None
    opgave_because: Text | None = None
    ontwikkellijn: Ontwikkellijn | None = None
    theme: Theme | None = None
    definitions: tuple[DefinitionVersion, ...] = ()
    rounding: Annotated[float, Field(gt=0)] | None = None
    sources: tuple[Id, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def rate_factor(self) -> float | None:
        """By what numerator / denominator is multiplied to get the unit; None for what is no rate."""
        return _RATE_FACTOR.get(self.unit)

    @model_validator(mode="after")
    def _consistent(self) -> Indicator:
        alone = self.numerator_id is None and self.denominator_id is not None
        if self.aggregation == "weighted_mean" and not alone:
            raise ValueError("found aggregation weighted_mean, expected a denominator_id with it, and no numerator_id")
        if self.aggregation != "weighted_mean" and (self.numerator_id is None) != (self.denominator_id is None):
            raise ValueError("found only one of numerator_id and denominator_id, expected both or neither")
        if self.aggregation == "recompute" and self.numerator_id is None:
            raise ValueError("found aggregation recompute, expected numerator_id and denominator_id with it")
        if self.numerator_id is not None and self.rate_factor is None:
            raise ValueError(f"found unit {self.unit} with a numerator, expected per_1000, per_10000 or pct")
        if (self.survey is None) != (self.question_id is None):
            raise ValueError("found only one of survey and question_id, expected both or neither")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"found minimum {self.minimum:g} above maximum {self.maximum:g}, expected a range")
        checked_versions(self.definitions)
        if (self.opgave == "geen") != (self.opgave_because is not None):
            raise ValueError("found only one of opgave geen and opgave_because, expected both or neither")
        return self


class IndicatorFamily(Strict):
    """Indicators that sources to come will deliver; events may already have them in their scope.

    Without it, a pattern that matches no indicator is taken for a typing error.
    """

    prefix: Id
    because: Text


class Region(Strict):
    """A region that the documents or the sources name, or a group of them (`samenwerking`) with its members.

    `members_complete` is false where the documents name only some members of a group: such a group must never
    be added up. `country_code` may be left out where the codes tell it: `VB0001`, or a group of such. For a
    country, `municipality_prefix` says how the codes of its municipalities begin (`GM`); without it, as its
    own code (`VB00` has `VB0001`).
    """

    code: RegionCode
    name: Text
    region_type: Literal["land", "provincie", "gemeente", "wijk", "buurt", "samenwerking"]
    country_code: RegionCode | None = None
    members: tuple[RegionCode, ...] = ()
    members_complete: bool = True
    municipality_prefix: str | None = None
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    is_fictional: bool = False
    because: str | None = Field(default=None, description="where the documents say so, and what they leave open")

    @model_validator(mode="after")
    def _consistent(self) -> Region:
        if self.members and self.region_type != "samenwerking":
            raise ValueError(f"found members of a {self.region_type}, expected them only of a samenwerking")
        if len(set(self.members)) != len(self.members):
            raise ValueError("found a member twice, expected every member once")
        if self.valid_from and self.valid_to and self.valid_from > self.valid_to:
            raise ValueError(f"found valid_from {self.valid_from} after valid_to {self.valid_to}, expected a span")
        return self

    @property
    def country_prefix(self) -> str:
        """What the codes of a country's municipalities begin with."""
        return self.municipality_prefix or self.code.rstrip("0123456789")


def country_of(region: Region, regions: Iterable[Region]) -> str | None:
    """The country of a region: as declared, else by the prefix of its code, or of its first member's."""
    if region.country_code is not None:
        return region.country_code
    if region.region_type == "land":
        return region.code
    code = region.members[0] if region.members else region.code
    countries = (other for other in regions if other.region_type == "land")
    return next((country.code for country in countries if code.startswith(country.country_prefix)), None)


class Event(Strict):
    """Something that can break a series, in the world or in its measurement.

    `nature`: `measurement` means that the figure changes and not the world, `real_world` the reverse. The
    window in which its effect begins is `period_from` to `period_to` (the same where only the first is
    given), or the `effective_date` alone. Scope: country codes stand for all municipalities and the country
    itself, group codes for the group and its members; indicator ids may end in a star.
    """

    event_id: Id
    kind: Literal[
        "decentralisation",
        "transition",
        "herindeling",
        "ambtelijke_fusie",
        "system_harmonisation",
        "definition_change",
        "policy",
        "external",
        "procurement",
        "funding",
        "publication_change",
    ]
    nature: Literal["measurement", "real_world", "mixed"]
    effective_date: dt.date | None = None
    period_from: PeriodCode | None = None
    period_to: PeriodCode | None = None
    region_codes: Annotated[tuple[RegionCode, ...], Field(min_length=1)]
    indicator_ids: Annotated[tuple[IndicatorPattern, ...], Field(min_length=1)]
    label_nl: Text
    reference: Text

    @model_validator(mode="after")
    def _has_a_window(self) -> Event:
        if self.effective_date is None and self.period_from is None:
            raise ValueError("found no time at all, expected effective_date or period_from")
        if self.period_to is not None and self.period_from is None:
            raise ValueError("found period_to alone, expected period_from with it")
        start, end = self.window
        if start > end:
            raise ValueError(f"found a window from {start} to {end}, expected it not to end before it begins")
        return self

    @property
    def window(self) -> tuple[dt.date, dt.date]:
        """The first and the last day on which the event's effect may begin."""
        if self.period_from is not None:
            return period_bounds(self.period_from)[0], period_bounds(self.period_to or self.period_from)[1]
        if self.effective_date is None:
            raise AssertionError("an event without a time passed validation")
        return self.effective_date, self.effective_date


class GoalRule(Strict):
    """When a goal is met.

    `falls` and `rises`: strictly, against the baseline. `not_above` and `not_below`: against `value`, or the
    baseline without it. `by_percent`: at least `value` percent above the baseline (below it, when negative).
    `to_value`: reaches `value`, from the side the baseline is on. `none`: nothing that a figure can decide.
    """

    kind: Literal["falls", "not_above", "not_below", "rises", "by_percent", "to_value", "none"]
    value: float | None = None
    by_date: dt.date | None = None

    @model_validator(mode="after")
    def _consistent(self) -> GoalRule:
        if self.kind in ("by_percent", "to_value") and self.value is None:
            raise ValueError(f"found rule {self.kind} without a value, expected one")
        if self.kind in ("falls", "rises", "none") and self.value is not None:
            raise ValueError(f"found rule {self.kind} with a value, expected none")
        if self.kind == "by_percent" and self.value == 0:
            raise ValueError("found a change by 0 percent, expected a rise or a fall")
        return self


class Baseline(Strict):
    """The 0-meting of a goal in one region; without a value where the document prints none."""

    region_code: RegionCode
    period_code: PeriodCode | None = None
    value: float | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Baseline:
        if self.value is None and self.period_code is not None:
            raise ValueError("found a baseline period without a value, expected a value or no period")
        if self.value is not None and self.period_code is None and not self.note:
            raise ValueError("found a baseline value without a period, expected a note that says why")
        return self


class Goal(Strict):
    """One goal in one region, as the warehouse holds it: a GoalDeclaration laid out per region."""

    goal_id: str
    document: str
    section: str
    effect_nl: str | None
    theme: str
    goal_nl: str
    measure_nl: str
    indicator_id: str | None
    region_code: str
    baseline_period: str | None
    baseline_value: float | None
    unit: str | None
    baseline_note: str | None
    rule: GoalRule
    rule_nl: str
    kind: Literal["quantitative", "qualitative"]
    source_nl: str | None


class GoalDeclaration(Strict):
    """One goal of a policy document with one measure, and its baseline in each region it is set for.

    A goal that is measured in two ways is two declarations. `effect_nl` is the effect on society that it serves, where
    the document has such a layer above its themes. `note` holds for all its regions, a baseline's own note comes before
    it. Texts are short and in our own words.
    """

    goal_id: Id
    document: Text
    section: Text
    effect_nl: str | None = None
    theme: Text
    goal_nl: Text
    measure_nl: Text
    indicator_id: Id | None = None
    unit: Unit | None = None
    kind: Literal["quantitative", "qualitative"]
    rule: GoalRule
    rule_nl: Text
    source_nl: str | None = None
    note: str | None = None
    baselines: Annotated[tuple[Baseline, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> GoalDeclaration:
        measured = any(baseline.value is not None for baseline in self.baselines)
        if self.kind == "quantitative" and (self.indicator_id is None or self.unit is None):
            raise ValueError("found a quantitative goal, expected indicator_id and unit with it")
        if self.kind == "qualitative" and (measured or self.indicator_id or self.rule.kind != "none"):
            raise ValueError("found a qualitative goal with a figure or a rule, expected rule none and no figures")
        if not measured and not self.note and not all(baseline.note for baseline in self.baselines):
            raise ValueError("found a goal without any baseline, expected a note that says why")
        return self

    def per_region(self) -> tuple[Goal, ...]:
        """The goal in each region it is set for."""
        return tuple(
            Goal(
                goal_id=self.goal_id,
                document=self.document,
                section=self.section,
                effect_nl=self.effect_nl,
                theme=self.theme,
                goal_nl=self.goal_nl,
                measure_nl=self.measure_nl,
                indicator_id=self.indicator_id,
                region_code=baseline.region_code,
                baseline_period=baseline.period_code,
                baseline_value=baseline.value,
                unit=self.unit,
                baseline_note=" ".join(filter(None, (baseline.note, self.note))) or None,
                rule=self.rule,
                rule_nl=self.rule_nl,
                kind=self.kind,
                source_nl=self.source_nl,
            )
            for baseline in self.baselines
        )


class PrintedFigure(Strict):
    """A figure that a document prints beside its goals, and that is no baseline of any of them.

    Kept so that it is never taken for one: the same words with another definition, or a growth rate only.
    """

    indicator_id: Id
    region_code: RegionCode
    period_code: PeriodCode
    value: float
    document: Text
    section: Text
    note: str | None = None


class Decision(Strict):
    """What somebody decided about a break, named by its id, by its series and period, or by both.

    A decision with a `kind` outlives new figures: a break of the same series, kind and direction that is found one
    period earlier or later is the break that is meant. Without one it holds for exactly that period.
    """

    break_id: str | None = None
    indicator_id: Id | None = None
    region_code: RegionCode | None = None
    period_code: PeriodCode | None = None
    kind: Literal["level", "one_off", "slope", "scale", "gap", "rounding", "copy"] | None = None
    direction: Literal["up", "down"] | None = None
    decision: Literal["accepted", "corrected", "rejected"]
    because: Text
    who: Text
    when: dt.date

    @model_validator(mode="after")
    def _names_one_break(self) -> Decision:
        series = (self.indicator_id, self.region_code, self.period_code)
        named = sum(part is not None for part in series)
        if 0 < named < len(series) or (named == 0 and self.break_id is None):
            raise ValueError("found an unclear break, expected break_id, or indicator_id, region_code and period_code")
        if self.kind is not None and named == 0:
            raise ValueError(
                "found a kind without a series, expected indicator_id, region_code and period_code with it"
            )
        if self.direction is not None and self.kind is None:
            raise ValueError("found a direction without a kind, expected both or neither")
        return self


class Correction(Strict):
    """A delivered figure that is known to be wrong, and what it should be (null: it should not be there).

    `expect` is the wrong value as delivered. When the publisher changes it, the correction is stale and must
    be refused rather than applied.
    """

    source_id: Id
    item: Text
    region_code: RegionCode
    period_code: PeriodCode
    expect: float
    value: float | None
    because: Text
    who: Text
    when: dt.date


class Alias(Strict):
    """A name that deliveries use for a region, beside its own.

    `sources` limits it to those sources: a plain `Bergen` is clear in a delivery of the BUCH and nowhere
    else.
    """

    name: Text
    code: RegionCode
    because: Text
    sources: tuple[Id, ...] = ()
