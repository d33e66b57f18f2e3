"""What is expected of the marts: breaks explained, deliveries as declared, no conflicts, honest comparisons.

What belongs here: what an analyst or a council would be misled by. What does not: contracts of columns
and types, which dbt enforces.
"""

from __future__ import annotations

from collections.abc import Mapping

from expectations.check import Check, expects

_REASONS_NL = {
    "duplicate_key": "een sleutel die al eerder voorkwam",
    "empty_file": "een leeg bestand",
    "missing_column": "een ontbrekende kolom",
    "missing_value": "een ontbrekende waarde",
    "no_pseudonym_key": "een ontbrekende sleutel voor pseudoniemen",
    "not_a_bsn": "geen geldig BSN",
    "not_a_date": "een datum die niet bestaat",
    "not_a_number": "tekst waar een getal hoort",
    "not_allowed": "een waarde die niet is toegestaan",
    "not_delivered": "een bron die niet leverde",
    "other_pseudonym_key": "pseudoniemen van een andere sleutel",
    "out_of_range": "een waarde buiten de grenzen",
    "personal_data": "persoonsgegevens",
    "unexpected_unit": "een andere eenheid dan gedeclareerd",
    "unfinished_file": "een bestand dat nog geschreven wordt",
    "unknown_format": "een onbekend bestandsformaat",
    "unknown_item": "een onbekend onderwerp",
    "unknown_period": "een onbekende periode",
    "unknown_region": "een onbekende regio",
    "unreadable_cell": "een onleesbare cel",
    "unsafe_xml": "XML die niet veilig te lezen is",
    "wrong_column_count": "een verkeerd aantal kolommen",
    "wrong_encoding": "een verkeerde tekencodering",
}


def marts_checks() -> list[Check]:
    """The checks on the public tables of schema `marts`."""
    return [
        _no_unexplained_open_break(),
        _no_national_change_without_event(),
        _deliveries_as_declared(),
        _source_on_time(),
        _delivery_uniform(),
        _unit_continues(),
        _no_source_conflict(),
        _rates_follow_from_counts(),
        _nothing_refused(),
        _key_unique("indicator_municipality", "Een gemeente"),
        _key_unique("indicator_wijk", "Een wijk of buurt"),
        _same_period(),
    ]


def _in_dutch(column: str, words: Mapping[str, str]) -> str:
    """An SQL expression: the Dutch words for the codes of a column; a code without words stays itself."""
    cases = " ".join(f"when '{code}' then '{text}'" for code, text in words.items())
    return f"case {column} {cases} else {column} end"


def _breaks(where: str) -> str:
    return f"""
        select
            break_id, indicator_id, region_code, period_code,
            -- the size of a change of growth is one of every period
            case
                when kind = 'slope' then kind_nl || case substr(period_code, 5, 1)
                    when 'H' then ' (per halfjaar)'
                    when 'Q' then ' (per kwartaal)'
                    when 'M' then ' (per maand)'
                    else ' (per jaar)'
                end
                else kind_nl
            end as kind_nl,
            effect_pct, effect_low, effect_high, explanation_nl,
            -- a break that was corrected at the source and still stands was not corrected
            case
                when decision in ('accepted', 'rejected') then decision
                else coalesce(cause, 'unexplained')
            end as standing
        from marts.trend_break
        where kind in ('level', 'one_off', 'slope', 'scale') and part_of is null and {where}
    """


def _no_unexplained_open_break() -> Check:
    return Check(
        name="marts_trend_break__no_unexplained_open_break",
        asset="marts.trend_break",
        query=_breaks("region_code not in ('NL01', 'VB00')"),
        expects=expects("ExpectNoUnexplainedBreak"),
        severity="warning",
        title_nl="Trendbreuk zonder verklaring",
        detects_nl="Trendbreuken waarvoor geen gebeurtenis bekend is en waarover nog niemand besloot. Dat zegt niet "
        "dat de cijfers fout zijn.",
        usual_cause_nl="een andere manier van registreren of leveren, een fout in de levering, of een echte "
        "verandering in het gebruik.",
        next_step_nl="Vraag de gemeente wat er veranderde; leg de gebeurtenis vast, of een besluit met "
        "`nulmeting breaks decide`. Vergelijk tot dan niet over deze periode heen.",
        key_columns=("break_id",),
        detail_nl="{kind_nl}, {effect_pct:+} %",
        explained_by="explanation_nl",
    )


def _no_national_change_without_event() -> Check:
    return Check(
        name="marts_trend_break__no_national_change_without_event",
        asset="marts.trend_break",
        query=_breaks("region_code in ('NL01', 'VB00')"),
        expects=expects("ExpectNoNationalChangeWithoutEvent"),
        severity="warning",
        title_nl="Landelijke verandering zonder verklaring",
        detects_nl="Veranderingen in het hele land waarvoor geen gebeurtenis bekend is en waarover niemand besloot. "
        "Dat zegt niet dat de cijfers fout zijn.",
        usual_cause_nl="een andere definitie of verwerking bij de uitgever, nieuwe wetgeving, of een schok van buiten.",
        next_step_nl="Zoek bij de uitgever wat er veranderde; leg de gebeurtenis vast, of een besluit met "
        "`nulmeting breaks decide`. Reken deze verandering tot dan geen enkele gemeente toe.",
        key_columns=("break_id",),
        detail_nl="{kind_nl}, {effect_pct:+} %",
        explained_by="explanation_nl",
    )


def _deliveries_as_declared() -> Check:
    return Check(
        name="marts_coverage__deliveries_as_declared",
        asset="marts.coverage",
        query="""
            select
                source_id, indicator_id, region_code, period_code, delivery_nl,
                case
                    when delivery in ('missing', 'late') and trim(because) != '' then 'explained'
                    else coalesce(delivery, 'unknown')
                end as standing
            from marts.coverage
        """,
        expects=expects("ExpectDeliveriesAsDeclared"),
        severity="warning",
        title_nl="Verwacht cijfer ontbreekt zonder reden",
        detects_nl="Cijfers die volgens de declaratie geleverd hadden moeten zijn, zonder bekende reden.",
        usual_cause_nl="de gemeente leverde niet of te laat, of de uitgever verwerkte de levering niet.",
        next_step_nl="Vraag na bij de leverancier; leg de reden vast onder `known_gaps` van de bron.",
        key_columns=("source_id", "indicator_id", "region_code", "period_code"),
        detail_nl="{delivery_nl} door {source_id}",
    )


def _source_on_time() -> Check:
    """One row for a source that is late as a whole, where each of its figures is a row of `deliveries_as_declared`."""
    return Check(
        name="marts_coverage__source_on_time",
        asset="marts.coverage",
        query="""
            with period as (
                select
                    source_id, period_code,
                    count(*) filter (where delivery in ('delivered', 'suppressed')) as figures_delivered,
                    count(*) filter (where delivery in ('late', 'missing') and coalesce(trim(because), '') = '')
                        as figures_owed
                from marts.coverage
                group by source_id, period_code
            ),
            latest as (
                select
                    *,
                    -- codes of one kind of period are as long, and in the order of their periods
                    max(period_code) filter (where figures_delivered > 0)
                        over (partition by source_id, length(period_code)) as latest_period
                from period
            )
            select
                source_id, period_code, figures_owed, coalesce(latest_period, 'geen enkele periode') as latest_period,
                case
                    when figures_owed > 0 and period_code > coalesce(latest.latest_period, '') then 'overdue'
                    else 'on_time'
                end as standing
            from latest
        """,
        expects=expects("ExpectSourceOnTime"),
        severity="warning",
        title_nl="Een bron is over tijd",
        detects_nl="Bronnen waarvan de dag van levering voorbij is en van een nieuwe periode nog niets is gekomen.",
        usual_cause_nl="de uitgever stelde de publicatie uit, of het bestand is niet in de map gezet.",
        next_step_nl="Kijk bij de uitgever of de periode er staat; leg anders de reden vast onder `known_gaps`.",
        key_columns=("source_id", "period_code"),
        detail_nl="{source_id} over {period_code}, {figures_owed} cijfers; geleverd tot en met {latest_period}",
    )


def _delivery_uniform() -> Check:
    return Check(
        name="marts_coverage__delivery_uniform",
        asset="marts.coverage",
        query="""
            with member as (
                select distinct group_code, member_code
                from core.region_member
                where members_complete
            ),
            delivered as (
                select
                    member.group_code, coverage.source_id, coverage.period_code, member.member_code,
                    bool_or(coverage.delivery in ('delivered', 'suppressed')) as came,
                    bool_or(coverage.delivery in ('missing', 'late') and coalesce(trim(coverage.because), '') = '')
                        as stayed_away
                from marts.coverage as coverage
                inner join member on coverage.region_code = member.member_code
                where coverage.delivery != 'not_expected'
                group by all
            )
            select
                group_code as region_code, source_id, period_code,
                count(*) filter (where came) as delivered_members,
                count(*) as expected_members,
                string_agg(member_code, ', ' order by member_code) filter (where stayed_away) as missing_members,
                case when bool_or(came) and bool_or(stayed_away) then 'incomplete' else 'uniform' end as standing
            from delivered
            group by group_code, source_id, period_code
        """,
        expects=expects("ExpectUniformDelivery"),
        severity="warning",
        title_nl="Een samenwerking levert niet voor al haar gemeenten",
        detects_nl="Samenwerkingen waarvan een deel van de gemeenten leverde en een ander deel zonder reden niet.",
        usual_cause_nl="een gemeente die apart levert of te laat is, of een samenvoeging die niet overal is verwerkt.",
        next_step_nl="Tel deze gemeenten over de periode niet op; vraag de samenwerking om de ontbrekende levering.",
        key_columns=("region_code", "source_id", "period_code"),
        detail_nl="{delivered_members} van {expected_members} gemeenten leverden {source_id}; niet: {missing_members}",
    )


def _unit_continues() -> Check:
    return Check(
        name="marts_revision__unit_continues",
        asset="marts.revision",
        # A power of ten is told by the scales in core. A revision changes some figures, each by its own measure.
        query="""
            with changed as (
                select
                    source_id, indicator_id, old_vintage_id, new_vintage_id,
                    count(*) as changed,
                    median(ln(new_value / old_value)) as shift,
                    mad(ln(new_value / old_value)) as spread
                from marts.revision
                where old_value > 0 and new_value > 0
                group by all
            ),
            compared as (
                select
                    changed.*,
                    (
                        select count(*)
                        from marts.observation as given
                        where
                            given.vintage_id = changed.new_vintage_id
                            and given.indicator_id = changed.indicator_id
                            and given.value > 0
                    ) as compared
                from changed
            )
            select
                source_id, indicator_id, old_vintage_id, new_vintage_id, changed, compared,
                round(exp(shift), 4) as factor,
                case
                    when
                        changed >= 5
                        and changed >= 0.8 * compared
                        and abs(shift) > 0.02
                        and spread <= 0.01
                        and (abs(shift) < 1 or abs(shift / ln(10) - round(shift / ln(10))) > 0.1)
                        then 'one_factor'
                    else 'continues'
                end as standing
            from compared
        """,
        expects=expects("ExpectUnitToContinue"),
        severity="warning",
        title_nl="Een nieuwe uitgave telt anders",
        detects_nl="Een nieuwe uitgave waarin bijna alle cijfers van een indicator met dezelfde factor zijn veranderd.",
        usual_cause_nl="een andere eenheid, noemer of prijspeil bij de uitgever; een gewone herziening is ongelijk.",
        next_step_nl="Zoek bij de uitgever wat er veranderde; pas `unit` of `factor` van de reeks aan, of leg de "
        "wijziging vast in `sources/catalogue/events.yml`.",
        key_columns=("source_id", "indicator_id", "old_vintage_id", "new_vintage_id"),
        detail_nl="{changed} van {compared} cijfers maal {factor}, {source_id}",
    )


def _no_source_conflict() -> Check:
    return Check(
        name="marts_conflict__no_source_conflict",
        asset="marts.conflict",
        query="""
            select
                indicator_id, region_code, period_code, source_id, value, other_source_id, other_value,
                difference_pct
            from marts.conflict
            where conflict_kind = 'two_sources'
        """,
        expects=expects("ExpectNoSourceConflict"),
        severity="warning",
        title_nl="Twee bronnen spreken elkaar tegen",
        detects_nl="Twee bronnen met een verschillend cijfer voor dezelfde indicator, regio en periode.",
        usual_cause_nl="een verschil in definitie, peildatum of herziening, of een fout in een van beide.",
        next_step_nl="Kies welke bron voorgaat bij de indicator, of meld de fout aan de uitgever.",
        key_columns=("indicator_id", "region_code", "period_code", "source_id", "other_source_id"),
        detail_nl="{source_id} geeft {value}, {other_source_id} geeft {other_value} ({difference_pct:+} %)",
    )


def _rates_follow_from_counts() -> Check:
    return Check(
        name="marts_conflict__rates_follow_from_counts",
        asset="marts.conflict",
        query="""
            select
                indicator_id, region_code, period_code, source_id, value, other_source_id, other_value,
                difference_pct
            from marts.conflict
            where conflict_kind = 'rate_against_counts'
        """,
        expects=expects("ExpectRatesToFollowFromCounts"),
        severity="warning",
        title_nl="Een gepubliceerd cijfer volgt niet uit de aantallen",
        detects_nl="Gepubliceerde verhoudingen die, ook met alle afronding, niet uit de bekende aantallen volgen.",
        usual_cause_nl="een andere teller, noemer of peildatum bij de uitgever, of een schaalfout.",
        next_step_nl="Vergelijk de definities van beide; pas teller of noemer aan, of meld de fout aan de uitgever.",
        key_columns=("indicator_id", "region_code", "period_code", "source_id", "other_source_id"),
        detail_nl="{source_id} geeft {value}, uit de aantallen volgt {other_value} ({difference_pct:+} %)",
    )


def _nothing_refused() -> Check:
    return Check(
        name="marts_quarantine__nothing_refused",
        asset="marts.quarantine",
        # What was found is left to the quarantine itself: a check's rows travel into messages and pages.
        # A kind of problem in one delivery is one key, and a new delivery of the file is a new vintage:
        # it alarms again.
        query=f"""
            select
                source_id, file, vintage_id, reason, {_in_dutch("reason", _REASONS_NL)} as reason_nl,
                coalesce(column_name, '') as column_name, line
            from marts.quarantine
            order by source_id, file, line
        """,
        expects=expects("ExpectNoRowsRefused"),
        severity="error",
        title_nl="Een rij of bestand is geweigerd",
        detects_nl="Rijen en bestanden die niet konden worden ingelezen en in quarantaine staan.",
        usual_cause_nl="een levering die afwijkt van de afgesproken opbouw.",
        next_step_nl="Kijk in marts.quarantine wat er stond en werd verwacht; laat het bestand herstellen.",
        key_columns=("source_id", "file", "vintage_id", "reason", "column_name"),
        detail_nl="{file}: {reason_nl} ({rows_failing} keer)",
    )


def _key_unique(mart: str, whose: str) -> Check:
    key = ("indicator_id", "region_code", "period_code", "geography")
    return Check(
        name=f"marts_{mart}__key_unique",
        asset=f"marts.{mart}",
        query=f"select {', '.join(key)} from marts.{mart}",
        expects=expects("ExpectKeyToBeUnique", column_list=key),
        severity="blocking",
        title_nl=f"{whose} heeft meer dan één cijfer",
        detects_nl="Meer dan één rij voor dezelfde indicator, regio, periode en grenzen.",
        usual_cause_nl="twee bronnen zonder volgorde van voorkeur, of een regio die dubbel is gedeclareerd.",
        next_step_nl="Publiceer niet; zoek met de sleutel in core.observation waar de rij vandaan komt.",
        key_columns=key,
        detail_nl="{rows_failing} rij(en), grenzen {geography}",
    )


def _same_period() -> Check:
    return Check(
        name="marts_provision_use__compares_same_period",
        asset="marts.provision_use",
        # The country of a fictional municipality is the fictional one: figures never cross that line.
        query="""
            with region as (
                select
                    region_code,
                    bool_or(is_fictional) as is_fictional,
                    bool_or(region_type = 'land') as is_country
                from marts.region
                group by all
            ),
            national as (
                select used.period_code, used.law, used.provision, region.is_fictional, used.clients_per_1000
                from marts.provision_use as used
                inner join region on used.region_code = region.region_code and region.is_country
            )
            select
                used.region_code, used.period_code, used.law, used.provision, used.national_clients_per_1000,
                used.national_clients_per_1000 is null or exists (
                    select 1
                    from national
                    where
                        national.period_code = used.period_code
                        and national.law = used.law
                        and national.provision = used.provision
                        and national.is_fictional = region.is_fictional
                        and abs(national.clients_per_1000 - used.national_clients_per_1000) <= 1e-9
                ) as compares_same_period
            from marts.provision_use as used
            left join region on used.region_code = region.region_code
        """,
        expects=expects("ExpectSamePeriodComparison"),
        severity="blocking",
        title_nl="Een landelijk cijfer hoort bij een andere periode",
        detects_nl="Een landelijk cijfer naast een gemeentelijk cijfer, terwijl het niet van die periode is.",
        usual_cause_nl="een fout in het model dat het landelijke cijfer erbij zoekt.",
        next_step_nl="Publiceer niet; herstel de koppeling op periode, wet en voorziening.",
        key_columns=("region_code", "period_code", "law", "provision"),
        detail_nl="{provision}: {national_clients_per_1000} per 1.000",
    )
