"""`python -m pipelines.voorbeeldland [--out DIR] [--seed N]`: makes the bundled sample again."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines.settings import PROJECT_ROOT
from pipelines.voorbeeldland.generator import DEFAULT_SEED, generate

BUNDLED = PROJECT_ROOT / "sources" / "sample" / "voorbeeldland"


def main() -> None:
    """Reads the arguments and writes the sample."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.voorbeeldland", description=__doc__)
    parser.add_argument("--out", type=Path, default=BUNDLED, help="the folder to write into")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="another seed, another country")
    arguments = parser.parse_args()
    generate(arguments.out, arguments.seed)


if __name__ == "__main__":
    main()
