"""Whether a publisher changed something since the last run, asked without fetching anything.

What belongs here: the question, for all declared sources of a profile at once. What does not: asking for one table
(`deliveries.cbs_changes`), and fetching what changed.
"""

from __future__ import annotations

from pipelines.settings import Settings

_SECONDS = 30.0


def have_changed(settings: Settings) -> bool:
    """Whether any publisher may have changed a declared table; True where one does not answer, or cannot tell.

    The sample asks nobody, and what was known on an earlier day does not change.
    """
    if settings.profile == "sample" or settings.as_of is not None:
        return False
    from pipelines.declarations.load import load_declarations
    from pipelines.declarations.source import CbsV3Connector, CbsV4Connector, FolderConnector
    from pipelines.deliveries.cbs_changes import poll_changes

    sources = load_declarations(settings.sources_dir, settings.profile).sources
    # A databank of Swing says nothing of what changed in it.
    if any(not isinstance(one.connector, FolderConnector | CbsV4Connector | CbsV3Connector) for one in sources):
        return True
    polled = poll_changes(sources, settings, _SECONDS)
    return bool(polled.changed or polled.failed or polled.not_asked)
