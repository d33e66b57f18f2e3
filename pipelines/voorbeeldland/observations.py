"""From true counts to published cells: rounded, suppressed, absent, impossible and, where planted, wrong.

What belongs here: the figures of each table as the publisher hands them over. What does not: drawing the
counts (counts.py) and the layout of the bytes (wire.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.voorbeeldland.chance import BoolArray, IntArray
from pipelines.voorbeeldland.country import COUNTRY_CODE, Country
from pipelines.voorbeeldland.plan import Plan
from pipelines.voorbeeldland.subjects import HUISHOUDEN, SUBJECTS
from pipelines.voorbeeldland.tables import CONFLICT_TABLE, POPULATION_TABLE, Table

ROUNDING = 5
SUPPRESSED_BELOW = 10


@dataclass(frozen=True)
class Cells:
    """Published cells; all arrays have axes indicator, region (the country first), period.

    `value` counts persons and means something where `attribute` is `None` (CBS's word for a plain figure);
    where `delivered` is false there is no row at all.
    """

    value: IntArray
    attribute: NDArray[np.str_]
    delivered: BoolArray


def population_cells(country: Country) -> Cells:
    """Inhabitants, exact; shape (1, 122, 11)."""
    exists = country.exists_in_years()
    whole = np.where(exists, country.population, 0).sum(axis=0, keepdims=True)
    value = np.vstack([whole, country.population])[None]
    possible = np.vstack([np.ones_like(whole, dtype=np.bool_), exists])[None]
    attribute = np.where(possible, "None", "Impossible")
    return Cells(value, attribute, np.ones(value.shape, dtype=np.bool_))


def count_cells(counts: IntArray, country: Country, plan: Plan) -> Cells:
    """The eight indicators, shape (8, 122, 20), from true counts of shape (8, 121, 20).

    The country is the rounded sum of the true counts: it does not equal the sum of what the municipalities
    publish. Suppression looks at the true count, so that the smallest figure published is 10.
    """
    exists = np.broadcast_to(country.exists_in_half_years(), counts.shape)
    whole = np.where(exists, counts, 0).sum(axis=1, keepdims=True)
    true = np.concatenate([whole, counts], axis=1)
    possible = np.concatenate([np.ones_like(whole, dtype=np.bool_), exists], axis=1)
    value = (true + ROUNDING // 2) // ROUNDING * ROUNDING
    attribute = np.where(possible, np.where(true < SUPPRESSED_BELOW, "Confidential", "None"), "Impossible")
    delivered = np.ones(value.shape, dtype=np.bool_)
    for error in plan.of_kind("factor_10"):
        value[error.subject, error.region + 1, error.period] *= 10
    for gap in plan.of_kind("non_delivery"):
        delivered[gap.subject, gap.region + 1, gap.period] = False
    return Cells(value, attribute, delivered)


def of_table(table: Table, population: Cells, counts: Cells, plan: Plan) -> Cells:
    """The cells of one table: its own indicators and periods, in the order of its dimension and measures."""
    if table.table_id == POPULATION_TABLE:
        return population
    if table.table_id == CONFLICT_TABLE:
        return _key_figures(len(table.periods), counts, plan)
    found = {(s.dimension_code, s.measure): place for place, s in enumerate(SUBJECTS)}
    places = [found[code, measure.code] for code in table.dimension_codes for measure in table.measures]
    return Cells(counts.value[places], counts.attribute[places], counts.delivered[places])


def _key_figures(periods: int, counts: Cells, plan: Plan) -> Cells:
    value = counts.value[[HUISHOUDEN]].copy()
    for conflict in plan.of_kind("conflict"):
        here = (0, conflict.region + 1, conflict.period)
        differing = value[here] * (100 + (conflict.effect_pct or 0)) // 100
        value[here] = (differing + ROUNDING // 2) // ROUNDING * ROUNDING
    last = slice(-periods, None)
    everywhere = np.ones_like(counts.delivered[[HUISHOUDEN], :, last])
    return Cells(value[:, :, last], counts.attribute[[HUISHOUDEN], :, last], everywhere)


def lines(table: Table, cells: Cells, country: Country) -> list[str]:
    """The observations of one table as compact JSON objects, one text each.

    They run over the further dimension, region, period and measure, the last one fastest. `Id` is the
    place in the full table, so a row that was not delivered leaves a hole in the numbering.
    """
    dimension_codes = np.array([code or "" for code in table.dimension_codes])
    regions = np.array([COUNTRY_CODE, *country.codes])
    periods = np.array([period.code for period in table.periods])
    measures = np.array([measure.code for measure in table.measures])
    shape = (len(dimension_codes), len(measures), len(regions), len(periods))
    order = (0, 2, 3, 1)
    value, attribute, delivered = (
        array.reshape(shape).transpose(order).ravel() for array in (cells.value, cells.attribute, cells.delivered)
    )
    places = np.indices([shape[axis] for axis in order]).reshape(len(order), -1)
    number = pa.array(value, mask=attribute != "None").cast(pa.string()).fill_null("null")
    parts: list[pa.Array | str] = ['{"Id":', pa.array(np.arange(len(value))).cast(pa.string())]
    parts += [',"Measure":"', pa.array(measures[places[3]]), '","ValueAttribute":"', pa.array(attribute)]
    parts += ['","Value":', number, ',"StringValue":null']
    if table.dimension:
        parts += [f',"{table.dimension.name}":"', pa.array(dimension_codes[places[0]]), '"']
    parts += [
        ',"RegioS":"',
        pa.array(regions[places[1]]),
        '","Perioden":"',
        pa.array(periods[places[2]]),
        '"}',
    ]
    written: list[str] = pc.binary_join_element_wise(*parts, "").filter(pa.array(delivered)).to_pylist()
    return written
