"""The `notifier` command: `app` is what the console script runs; one module for each kind of question."""

from __future__ import annotations

from notifier.cli.app import app

__all__ = ["app"]
