"""A script of static/ run by node, without a browser."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

from notifier.web.assets import STATIC


def runner(node: str, script: str) -> Callable[[str], Any]:
    """What an expression in which the script's functions are known comes to; undefined is None."""
    source = (STATIC / script).read_text()

    def run(expression: str) -> Any:
        text = f"{source}\nconsole.log(JSON.stringify({expression}) ?? null);"
        done = subprocess.run(
            [node, "--input-type=module", "-"], input=text, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    return run
