"""From a seed to the bundled sample: the order in which Voorbeeldland is made and written.

What belongs here: the steps. What does not: any of their rules.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.voorbeeldland import costs, country, counts, observations, plan, prices, truth, wijken, wijkteam, wire
from pipelines.voorbeeldland.tables import TABLES

DEFAULT_SEED = 2015


def generate(folder: Path, seed: int = DEFAULT_SEED) -> None:
    """The whole sample into `folder`: `cbs_v4/<table>/*.json`, `lasten/*.csv`, `structuur/*.csv`, `prijzen/*.csv`,
    `wijkteam/*.csv`, `truth.json` and `truth.csv`.

    One seed gives the same bytes every time. Raises ValueError for a seed with which a disturbance finds no
    municipality that fits it.
    """
    land = country.found(seed)
    undisturbed = counts.expected(land, seed)
    disturbances = plan.made(land, undisturbed, seed)
    true = counts.drawn(undisturbed * disturbances.level_factors(undisturbed.shape), land, seed)

    population_cells = observations.population_cells(land)
    count_cells = observations.count_cells(true, land, disturbances)
    for table in TABLES:
        cells = observations.of_table(table, population_cells, count_cells, disturbances)
        lines = observations.lines(table, cells, land)
        wire.write_table(folder / "cbs_v4" / table.table_id, table, lines, land)
    for edition, edition_lines in wijken.editions(land, seed):
        wire.write_table(folder / "cbs_v4" / edition.table_id, edition, edition_lines, land)
    costs.write(folder, land, seed)
    prices.write(folder, seed)
    wijkteam.write(folder, land, seed)
    truth.write(folder, land, true, disturbances, seed)
