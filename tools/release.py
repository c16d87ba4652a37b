"""Whether a tag may become a release, and what is new in it: `python -m tools.release v1.2.3` prints the notes."""

from __future__ import annotations

import sys
from pathlib import Path

from notifier import __version__

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


def notes(tag: str, version: str, changelog: str) -> str:
    """The changelog's section of this version. Raises ValueError where tag, code and changelog say different things."""
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, but notifier/__init__.py says {version}")
    for section in changelog.split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        if heading.split()[0] == version:
            return text.strip() + "\n"
    raise ValueError(f"CHANGELOG.md has no section for {version}")


def main() -> None:
    """Print the notes, or say what is wrong and end with 1."""
    try:
        sys.stdout.write(notes(sys.argv[1], __version__, CHANGELOG.read_text(encoding="utf-8")))
    except ValueError as wrong:
        sys.exit(str(wrong))


if __name__ == "__main__":
    main()
