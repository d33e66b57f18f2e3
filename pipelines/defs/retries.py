"""When the step of a source is tried again, and after how long.

What belongs here: what is worth another try, and the waits between tries. What does not: the tries of one request
within seconds (`connectors.http`), and what is fetched (`deliveries`).

A run of Dagster waits some minutes for a publisher who cannot be reached or whose server fails; the other steps go on
meanwhile. A refusal, a table that is not as declared and a set-up that is wrong fail at once: waiting changes nothing
of them. Nobody waits at a terminal: a run of the command line never tries a step again.
"""

import contextlib
from collections.abc import Iterator

import dagster as dg

from pipelines.declarations.source import FolderConnector, Source
from pipelines.defs.run_tags import COMMAND_LINE, LAUNCHED_BY
from pipelines.settings import Settings, load_settings


def retry_policy(source: Source) -> dg.RetryPolicy | None:
    """How often and after how many seconds a source that is fetched is tried again; None for files and for `times: 0`.

    With a first wait of 60 s the next are 180 and 420 s, each up to 60 s longer or shorter by chance.
    """
    if isinstance(source.connector, FolderConnector) or source.connector.retries.times == 0:
        return None
    return dg.RetryPolicy(
        max_retries=source.connector.retries.times,
        delay=source.connector.retries.wait_seconds,
        backoff=dg.Backoff.EXPONENTIAL,
        jitter=dg.Jitter.PLUS_MINUS,
    )


@contextlib.contextmanager
def tried_again(context: dg.AssetExecutionContext, source: Source) -> Iterator[None]:
    """Around the body of a source's step: asks Dagster to try it again where that may help.

    The failure of the last try is the publisher's own, as if there had been no other tries.
    """
    try:
        yield
    except Exception as error:
        from pipelines.connectors.outage import is_outage

        policy = retry_policy(source)
        if policy is None or not _is_waited_for(context, load_settings()) or not is_outage(error):
            raise
        if context.retry_number >= policy.max_retries:
            raise
        wait = max(0.0, float(policy.calculate_delay(context.retry_number + 1)))
        context.log.warning(
            f"{error}; tried again in {wait:.0f} s ({context.retry_number + 1} of {policy.max_retries})"
        )
        raise dg.RetryRequested(max_retries=policy.max_retries, seconds_to_wait=wait) from error


def _is_waited_for(context: dg.AssetExecutionContext, settings: Settings) -> bool:
    """Whether a run may take its time. The sample has no publisher who may come back."""
    return settings.profile != "sample" and context.run.tags.get(LAUNCHED_BY) != COMMAND_LINE
