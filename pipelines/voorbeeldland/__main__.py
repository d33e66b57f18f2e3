"""`python -m pipelines.voorbeeldland [--out DIR] [--seed N]`: makes the bundled sample again."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines.settings import PROJECT_ROOT
from pipelines.voorbeeldland import complaints, enquete, ledger, messages
from pipelines.voorbeeldland.generator import DEFAULT_SEED, generate

BUNDLED = PROJECT_ROOT / "sources" / "sample" / "voorbeeldland"
MESSAGES = PROJECT_ROOT / "sources" / "sample" / "berichten"
MUNICIPAL = PROJECT_ROOT / "sources" / "sample" / "municipal"


def main() -> None:
    """Reads the arguments and writes the sample."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.voorbeeldland", description=__doc__)
    parser.add_argument("--out", type=Path, default=BUNDLED, help="the folder to write into")
    parser.add_argument("--municipal", type=Path, help="another folder for the deliveries of municipalities")
    parser.add_argument("--messages", type=Path, help="another folder for messages about persons")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="another seed, another country")
    arguments = parser.parse_args()
    generate(arguments.out, arguments.seed)
    if folder := arguments.municipal or (MUNICIPAL if arguments.out == BUNDLED else None):
        complaints.write(folder, arguments.seed)
        ledger.write(folder, arguments.seed)
        enquete.write(folder, arguments.seed)
    if folder := arguments.messages or (MESSAGES if arguments.out == BUNDLED else None):
        messages.generate_messages(folder, arguments.seed)


if __name__ == "__main__":
    main()
