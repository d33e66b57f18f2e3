"""The published set as an asset: the last step of a run, reached only when nothing blocking failed."""

import dagster as dg

from pipelines import progress
from pipelines.defs.materialised import publication_metadata
from pipelines.defs.raw import POOL
from pipelines.run_folder import RunFolder
from pipelines.settings import load_settings


def published_asset(marts: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """`published/nulmeting`: what analysts open."""

    @dg.asset(
        key=dg.AssetKey(["published", "nulmeting"]),
        group_name="published",
        deps=marts,
        kinds={"duckdb", "parquet"},
        description="The read-only DuckDB file with all marts, a Parquet file per mart and a manifest.",
        required_resource_keys={"run_lock"},
        pool=POOL,
    )
    def _published(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from pipelines.publish.publication import publish
        from pipelines.reuse import whole_run

        progress.begin("Publiceren")
        settings = load_settings()
        publication = publish(settings, context.run.run_id, [key.path[-1] for key in marts if key.path[0] == "marts"])
        for notice in publication.notices:
            context.log.warning(notice)
        folder = RunFolder(settings, context.run.run_id)
        folder.write("publication", {"id": publication.publication_id})
        if _is_whole(context.run) and (begun := folder.read("begun")):
            whole_run.finish(settings, context.run.run_id, publication.publication_id, begun["with"])
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": publication.rows,
                "file": dg.MetadataValue.path(str(settings.published_path)),
                "git_revision": publication.git_revision,
                "row_counts": publication.row_counts,
                **publication_metadata(publication),
            }
        )

    return _published


def _is_whole(run: dg.DagsterRun) -> bool:
    """Whether the run does everything: of a part, or of the rest of one that failed, nobody knows what came before."""
    return run.job_name == "monitor" and not run.asset_selection and run.parent_run_id is None
