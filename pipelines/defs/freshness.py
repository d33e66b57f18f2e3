"""How old tables may become: the rhythm of a source for its raw table, the quickest rhythm for what is published.

A run that finds nothing new makes nothing, so that a table is as old as what it was last made of. What is late region
by region and figure by figure stands in `marts.coverage`; this is the same question about a source as a whole, asked
by Dagster also when no run is done.
"""

import datetime as dt
from collections.abc import Iterable, Sequence

import dagster as dg

from pipelines.declarations.load import Declarations
from pipelines.declarations.source import Cadence

_DAYS: dict[Cadence, int] = {
    "monthly": 31,
    "quarterly": 92,
    "half_yearly": 184,
    "yearly": 366,
    "two_yearly": 731,
    "four_yearly": 1461,
}
# A publisher's day is no promise: a month late is worth a look, a rhythm and a half is a source that stands still.
_GRACE_DAYS = 31


def freshness_of(cadences: Iterable[Cadence]) -> dg.FreshnessPolicy | None:
    """A warning a month after the quickest of the rhythms, a failure after that rhythm and a half and a month.

    None where nothing has a rhythm: what appears once grows old by itself.
    """
    days = min((_DAYS[cadence] for cadence in cadences if cadence in _DAYS), default=None)
    if days is None:
        return None
    return dg.FreshnessPolicy.time_window(
        warn_window=dt.timedelta(days=days + _GRACE_DAYS),
        fail_window=dt.timedelta(days=days + days // 2 + _GRACE_DAYS),
    )


def with_freshness(
    assets: Sequence[dg.AssetsDefinition], declarations: Declarations, published: dg.AssetKey
) -> list[dg.AssetsDefinition]:
    """The same assets, of which the sources, the marts and the published set say how old they may become."""
    own = {dg.AssetKey(["raw", source.source_id]): freshness_of([source.cadence]) for source in declarations.sources}
    quickest = freshness_of(source.cadence for source in declarations.sources)

    def with_policy(spec: dg.AssetSpec) -> dg.AssetSpec:
        policy = quickest if spec.key == published or spec.key.path[0] == "marts" else own.get(spec.key)
        return spec.replace_attributes(freshness_policy=policy) if policy else spec

    return [asset.map_asset_specs(with_policy) for asset in assets]
