"""ZIP packages from strangers: what a damaged one raises.

What belongs here: what everybody who opens a package must reckon with. What does not: what the packages hold.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from typing import Final

DAMAGED_PACKAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)
"""What the module that reads packages raises for one that lies about its own places, or is locked or packed oddly.

To be caught around that module only: an error of our own must not pass for damage to a file.
"""
