"""What is expected of the core tables: keys, ranges, known regions, totals and periods.

What belongs here: checks on figures that have an indicator but no comparison yet. What does not: what
analysts read, which is held to its promises in `suites_marts`. Ranges and regions are asked of the latest
figures only; a vintage that was corrected since is not wrong twice.
"""

from __future__ import annotations

from expectations.check import Check, expects

RANGES: dict[str, tuple[float, float | None]] = {
    "count": (0, None),
    "pct": (0, 100),
    "per_1000": (0, 1_000),
    "per_10000": (0, 10_000),
}
"""Lowest and highest possible value per unit. Amounts and means have none: a balance may be negative."""

_RANGE_ROWS = ", ".join(
    f"('{unit}', {low}::double, {'null' if high is None else high}::double)" for unit, (low, high) in RANGES.items()
)

# One query for the three checks on the largest table, so that it is fetched and validated once. The outer
# joins are on sides made unique first: they must not multiply rows, or every key would seem to occur
# twice.
_OBSERVATIONS = f"""
    select
        observation.indicator_id, observation.region_code, observation.period_code, observation.source_id,
        observation.vintage_id, observation.value, indicator.unit,
        not observation.is_latest or region.region_code is not null as region_known,
        case
            when not observation.is_latest or observation.value is null then 0
            when isnan(observation.value) or isinf(observation.value) then 1e308
            else greatest(
                coalesce(bounds.low - observation.value, 0), coalesce(observation.value - bounds.high, 0), 0
            )
        end as outside_range_by
    from core.observation as observation
    left join (select indicator_id, any_value(unit) as unit from core.indicator group by all) as indicator
        on observation.indicator_id = indicator.indicator_id
    left join (values {_RANGE_ROWS}) as bounds (unit, low, high) on indicator.unit = bounds.unit
    left join (select distinct region_code from core.region) as region
        on observation.region_code = region.region_code
"""


# What stands on another scale in a figure that the marts show is certain or possible; one query for both checks.
_SCALES = """
    select
        indicator_id, comparison, source_id, other_source_id, coalesce(period_code, '') as period_code,
        value, other_value, because,
        case
            when event_id is not null then 'explained'
            when is_certain and counts_in_marts then 'certain'
            else 'possible'
        end as standing
    from core.scale_conflict
"""

_SCALE_KEY = ("indicator_id", "comparison", "source_id", "other_source_id", "period_code")


def core_checks() -> list[Check]:
    """The checks on the tables of schema `core`."""
    return [
        _key_unique(),
        _values_in_range(),
        _regions_known(),
        _totals_reconcile(),
        _one_scale(),
        _no_jump_of_scale(),
        _items_declared(),
        _series_delivered(),
        _periods_continuous(),
        _corrections_fit(),
    ]


def _key_unique() -> Check:
    key = ("indicator_id", "region_code", "period_code", "source_id", "vintage_id")
    return Check(
        name="core_observation__key_unique",
        asset="core.observation",
        query=_OBSERVATIONS,
        expects=expects("ExpectKeyToBeUnique", column_list=key),
        severity="blocking",
        title_nl="Eén cijfer komt meer dan één keer voor",
        detects_nl="Twee cijfers van één bron en één levering voor dezelfde indicator, regio en periode.",
        usual_cause_nl="twee onderwerpen zijn op één indicator gezet, of een bestand is dubbel geleverd.",
        next_step_nl="Zoek in de declaratie van de bron de twee onderwerpen die op deze indicator uitkomen.",
        key_columns=key,
        detail_nl="{rows_failing} keer in {source_id}",
    )


def _values_in_range() -> Check:
    return Check(
        name="core_observation__values_in_range",
        asset="core.observation",
        query=_OBSERVATIONS,
        expects=expects("ExpectValuesInRangeOfUnit"),
        severity="error",
        title_nl="Een waarde kan niet bij deze eenheid",
        detects_nl="Negatieve aantallen, percentages boven 100, en meer dan 1.000 per 1.000 inwoners.",
        usual_cause_nl="een schaalfout, een verkeerde factor, of een code voor ontbrekend als getal gelezen.",
        next_step_nl="Vergelijk het cijfer met de levering; declareer de factor of de code voor ontbrekend.",
        key_columns=("indicator_id", "region_code", "period_code", "source_id"),
        detail_nl="{value} ({unit})",
    )


def _regions_known() -> Check:
    return Check(
        name="core_observation__regions_known",
        asset="core.observation",
        query=_OBSERVATIONS,
        expects=expects("ExpectRegionsKnown"),
        severity="error",
        title_nl="Een regio is onbekend",
        detects_nl="Cijfers van een regio die niet in de regiotabel staat.",
        usual_cause_nl="een herindeling of een samenwerking die nog niet is ingelezen of gedeclareerd.",
        next_step_nl="Ververs de regiotabel van het CBS, of zet de samenwerking in `sources/catalogue`.",
        key_columns=("source_id", "region_code"),
        detail_nl="{region_code} in {source_id}, {rows_failing} cijfers",
    )


def _totals_reconcile() -> Check:
    return Check(
        name="core_reconciliation__totals_reconcile",
        asset="core.reconciliation",
        # A printed total beside no parts at all differs by the whole total; an empty difference would pass.
        query="""
            select
                source_id, vintage_label, region_code, fiscal_year, side, printed_eur, summed_eur,
                round(coalesce(difference_eur, -printed_eur), 2) as difference_eur
            from core.reconciliation
        """,
        expects=expects("ExpectTotalsToReconcile"),
        severity="error",
        title_nl="Een gedrukt totaal klopt niet met zijn delen",
        detects_nl="Gedrukte totalen die meer dan 1 euro verschillen van de som van de geladen regels.",
        usual_cause_nl="een regel die is geweigerd of overgeslagen, of een tikfout in het document.",
        next_step_nl="Tel de regels van dit jaar na in de levering; kijk ook of er regels zijn geweigerd.",
        key_columns=("source_id", "vintage_label", "region_code", "fiscal_year", "side"),
        detail_nl="{source_id}, {side} {fiscal_year}: gedrukt {printed_eur}, opgeteld {summed_eur}",
    )


def _one_scale() -> Check:
    return Check(
        name="core_scale_conflict__one_scale",
        asset="core.scale_conflict",
        query=_SCALES,
        expects=expects("ExpectOneScale"),
        severity="blocking",
        title_nl="Cijfers staan op twee schalen",
        detects_nl="Een macht van tien tussen twee bronnen, twee leveringen, of een verhouding en haar aantallen.",
        usual_cause_nl="per 1.000 naast per 10.000: de uitgever heeft de eenheid gewijzigd.",
        next_step_nl=(
            "Zoek bij de uitgever welke eenheid geldt; zet die als `unit` bij de reeks en pas `factor` aan. Klopt het "
            "nieuwe cijfer toch, leg de wijziging dan vast in `sources/catalogue/events.yml`."
        ),
        key_columns=_SCALE_KEY,
        detail_nl="{source_id}: {because}",
    )


def _no_jump_of_scale() -> Check:
    return Check(
        name="core_scale_conflict__no_jump_of_scale",
        asset="core.scale_conflict",
        query=_SCALES,
        expects=expects("ExpectNoJumpOfScale"),
        severity="warning",
        title_nl="Een reeks verspringt een macht van tien",
        detects_nl="Een periode die als geheel tien keer zo groot of klein is als de vorige; of te weinig cijfers.",
        usual_cause_nl="een andere eenheid in deze uitgave, of een hersteld cijfer dat eerder tien keer te groot was.",
        next_step_nl="Vergelijk de eenheid van beide; leg een wijziging vast in `sources/catalogue/events.yml`.",
        key_columns=_SCALE_KEY,
        detail_nl="{source_id}: {because}",
    )


def _items_declared() -> Check:
    return Check(
        name="core_unknown_item__nothing_unmapped",
        asset="core.unknown_item",
        query="select source_id, item, rows_with_item from core.unknown_item",
        expects=expects("ExpectNothingUnmapped"),
        severity="error",
        title_nl="Een geleverd onderwerp heeft geen plaats",
        detects_nl="Onderwerpen en begrotingsregels die geleverd zijn en waarvan niemand zei wat ze zijn.",
        usual_cause_nl="een nieuwe regel of een gewijzigde naam in de levering.",
        next_step_nl="Zet de naam in `dbt_project/seeds/budget_item.csv` of onder `series` van de bron.",
        key_columns=("source_id", "item"),
        detail_nl="{item} van {source_id}, {rows_with_item} rij(en)",
    )


def _series_delivered() -> Check:
    return Check(
        name="core_missing_series__declared_is_delivered",
        asset="core.missing_series",
        query="select source_id, indicator_id, items from core.missing_series",
        expects=expects("ExpectDeclaredIsDelivered"),
        severity="warning",
        title_nl="Een gedeclareerd onderwerp komt in de levering niet voor",
        detects_nl="Indicatoren waarvan de bron wel levert, maar geen enkel gedeclareerd onderwerp.",
        usual_cause_nl="een titel of code die de uitgever veranderde, of die in de declaratie niet klopt.",
        next_step_nl="Zoek de titel en code op in de levering en verbeter `series` van de bron.",
        key_columns=("source_id", "indicator_id"),
        detail_nl="{items}",
    )


def _periods_continuous() -> Check:
    return Check(
        name="core_period_gap__periods_continuous",
        asset="core.period_gap",
        query="select source_id, indicator_id, period_code from core.period_gap",
        expects=expects("ExpectPeriodsContinuous"),
        severity="warning",
        title_nl="Een periode ontbreekt midden in een reeks",
        detects_nl="Perioden waarover een bron van niemand een cijfer heeft, terwijl ervoor en erna wel.",
        usual_cause_nl="een levering die is overgeslagen, of een periode met een onbekende code.",
        next_step_nl="Kijk bij de uitgever of de periode bestaat; vraag de levering op of verklaar het gat.",
        key_columns=("source_id", "indicator_id", "period_code"),
        detail_nl="{source_id}",
    )


def _corrections_fit() -> Check:
    return Check(
        name="core_stale_correction__every_correction_fits",
        asset="core.stale_correction",
        query="""
            select
                source_id, item, region_code, period_code, expect, delivered_value,
                case standing
                    when 'not_delivered' then 'het cijfer is niet geleverd'
                    when 'changed' then 'er is nu iets anders geleverd'
                    else 'een andere correctie gaat voor'
                end as standing_nl
            from core.stale_correction
        """,
        expects=expects("ExpectEveryCorrectionToFit"),
        severity="error",
        title_nl="Een correctie past niet meer bij de levering",
        detects_nl="Gedeclareerde correcties die niet zijn toegepast, omdat er iets anders staat dan verwacht.",
        usual_cause_nl="de uitgever heeft het cijfer zelf hersteld of het onderwerp een andere sleutel gegeven.",
        next_step_nl="Vergelijk het cijfer met de bron; werk `sources/catalogue/corrections.yml` bij.",
        key_columns=("source_id", "item", "region_code", "period_code"),
        detail_nl="{item} van {source_id}: verwacht {expect}, geleverd {delivered_value}; {standing_nl}",
    )
