"""What counts now, in one look: which publication, whether its bytes are whole, and whether it was gone back to.

What belongs here: the answer for whoever decides what to do next (a run that finds nothing changed, `doctor`). What
does not: how each part of it is found out (`place`, `versions`, `restore`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.publish.place import MANIFEST, standing_folder
from pipelines.publish.restore import Restoration, standing_restoration
from pipelines.publish.versions import PublicationDamaged, published_root, verify
from pipelines.settings import Settings


@dataclass(frozen=True)
class Standing:
    """The publication that counts. `damaged` names its files that are not what was published, and should be empty;
    `restored` tells who went back to it while `restored.newest` was the last one made, None where nobody did.
    """

    publication_id: str
    folder: Path
    damaged: tuple[str, ...]
    restored: Restoration | None


def standing(settings: Settings) -> Standing | None:
    """What counts now, every byte of it held against its checksum; None where nothing was published.

    Raises SetupError for a record of restorations that cannot be read.
    """
    root = published_root(settings)
    folder = standing_folder(root)
    if folder is None:
        return None
    try:
        damaged = tuple(verify(folder))
    except PublicationDamaged:
        damaged = (MANIFEST,)
    return Standing(folder.name, folder, damaged, standing_restoration(root))
