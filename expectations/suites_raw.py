"""What is expected of the raw tables: the shape that was declared, known items, declared rounding, full
accounts.

What belongs here: checks that hold before anything was judged or joined. What does not: anything about
indicators, which begin in core. Only current deliveries are held to it; an older vintage cannot be
repaired any more.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from expectations.check import Check, expects
from pipelines.declarations.patterns import like_pattern
from pipelines.declarations.source import DelimitedReader, IstandaardReader, Source, SpreadsheetReader
from pipelines.warehouse.raw_tables import raw_schema

_CURRENT = "vintage_id in (select vintage_id from raw.delivery where is_current)"


def raw_checks(sources: Sequence[Source]) -> list[Check]:
    """The checks on `raw.delivery` and on `raw.<source_id>` of each source, in the order of `sources`."""
    checks = [_rows_accounted_for()]
    for source in sources:
        checks.append(_columns_declared(source))
        if _has_items(source) and source.series:
            checks.append(_codes_known(source))
        if source.rounding is not None:
            checks.append(_rounding_as_declared(source, source.rounding))
    return checks


def _has_items(source: Source) -> bool:
    """Whether the source names its items in a column; a table of declared columns has them as header."""
    return not isinstance(source.reader, DelimitedReader | SpreadsheetReader | IstandaardReader)


def _rows_accounted_for() -> Check:
    return Check(
        name="raw_delivery__rows_accounted_for",
        asset="raw.delivery",
        query="""
            select
                vintage_id, source_id, file, rows_in, rows_loaded, rows_no_data, rows_quarantined,
                coalesce(rows_in - rows_loaded - rows_no_data - rows_quarantined, -1) as rows_unaccounted
            from raw.delivery
        """,
        expects=expects("ExpectRowsAccountedFor"),
        severity="blocking",
        title_nl="Niet elke rij van een levering is verantwoord",
        detects_nl="Rijen die bij het inlezen zoekraakten of dubbel werden geteld.",
        usual_cause_nl="een fout in de lezer van dit bestandstype.",
        next_step_nl="Publiceer niet; meld de fout met de naam van het bestand bij de beheerder.",
        key_columns=("source_id", "file", "vintage_id"),
        detail_nl="{file}: {rows_in} in, {rows_loaded} geladen, {rows_no_data} geen gegeven, "
        "{rows_quarantined} geweigerd",
    )


def _columns_declared(source: Source) -> Check:
    declared = ", ".join(f"('{field.name}', '{_sql_type(field.type)}')" for field in raw_schema(source))
    return Check(
        name=f"raw_{source.source_id}__columns_declared",
        asset=f"raw.{source.source_id}",
        query=f"""
            select
                declared.column_name, declared.column_type, found.column_type as found_type,
                case
                    when found.column_name is null then 'missing'
                    when found.column_type != declared.column_type then 'other_type'
                    else 'as_declared'
                end as standing
            from (values {declared}) as declared (column_name, column_type)
            left join (select column_name, column_type from (describe raw."{source.source_id}")) as found
                using (column_name)
        """,
        expects=expects("ExpectColumnsAsDeclared"),
        severity="blocking",
        title_nl="Een kolom is niet zoals gedeclareerd",
        detects_nl=f"Kolommen van de bron {source.source_id} die ontbreken of een ander type hebben.",
        usual_cause_nl="de declaratie is veranderd en de bron is daarna niet opnieuw ingelezen.",
        next_step_nl=f"Lees {source.source_id} opnieuw in; vergelijk anders de tabel met de declaratie.",
        key_columns=("column_name", "standing"),
        detail_nl="{column_name}: verwacht {column_type}, gevonden {found_type}",
    )


def _codes_known(source: Source) -> Check:
    # What stands for several items, or is known to be no indicator, is told apart by its pattern.
    patterns = [*source.attributes, *(series.item for series in source.series if series.adds_up)]
    others = "".join(
        f" and item not like '{like_pattern(item).replace(chr(39), chr(39) * 2)}' escape '!'" for item in patterns
    )
    return Check(
        name=f"raw_{source.source_id}__codes_known",
        asset=f"raw.{source.source_id}",
        query=f"""
            select coalesce(item, '(leeg)') as item, count(*) as rows_delivered
            from raw."{source.source_id}"
            where {_CURRENT}{others}
            group by all
        """,
        expects=expects("ExpectItemsDeclared", value_set=tuple(sorted({s.item for s in source.series}))),
        severity="error",
        title_nl="Een onderwerp staat niet in de declaratie",
        detects_nl=f"Onderwerpen in {source.source_id} die bij geen indicator horen en niet verder komen.",
        usual_cause_nl="de uitgever voegde een onderwerp toe of gaf het een andere naam of code.",
        next_step_nl=f"Zet het in de declaratie van {source.source_id}, of sluit het uit in het filter.",
        key_columns=("item",),
        detail_nl="{item}, {rows_delivered} rij(en)",
    )


def _rounding_as_declared(source: Source, rounding: int) -> Check:
    figures, key = _figures(source)
    return Check(
        name=f"raw_{source.source_id}__rounding_as_declared",
        asset=f"raw.{source.source_id}",
        query=f"""
            select
                {", ".join(f'"{column}"' for column in key)}, value,
                abs(value - {rounding} * round(value / {rounding})) as rounding_remainder
            from {figures}
            where {_CURRENT}
        """,
        expects=expects("ExpectRoundingAsDeclared"),
        severity="warning",
        title_nl=f"Een cijfer is niet op {rounding} afgerond",
        detects_nl=f"Cijfers van {source.source_id} die geen veelvoud van {rounding} zijn.",
        usual_cause_nl="de uitgever veranderde de afronding, of het cijfer is berekend in plaats van geteld.",
        next_step_nl="Ga na of de uitgever anders afrondt; pas dan `rounding` aan, met de datum en de reden.",
        key_columns=key,
        detail_nl="{value}",
    )


def _figures(source: Source) -> tuple[str, tuple[str, ...]]:
    """The rows that hold one figure each under `item` and `value`, and the columns that identify a figure."""
    if _has_items(source):
        return f'raw."{source.source_id}"', ("item", "region_code", "period_code")
    return f"(from raw.figure where source_id = '{source.source_id}')", ("item", "region_code", "period_code")


def _sql_type(arrow: pa.DataType) -> str:
    return {pa.string(): "VARCHAR", pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.date32(): "DATE"}[arrow]
