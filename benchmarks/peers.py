"""An environment of their own for the peers, made at the first use: they must not change what Notifier runs on."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
FOLDER = Path(__file__).parent.parent / ".venv" / "peers"


def peers_python() -> str:
    """The interpreter that has the peers, installed if requirements.txt has changed since."""
    python, stamp = FOLDER / "bin" / "python", FOLDER / "installed"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        print("installing the peers ...", file=sys.stderr)
        venv.create(FOLDER, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", REQUIREMENTS], check=True)
        stamp.write_text(REQUIREMENTS.read_text())
    return str(python)
