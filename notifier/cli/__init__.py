"""The `notifier` command: `app` is what the console script runs; one module for each kind of question.

Enters: what an operator types. Leaves: words on the terminal, and an exit code: 0 well, 1 the answer is no, 2 it
could not be done. `terminal` says how commands speak, open the database and end.

- the service: `run`, `check`, `db`, `push`
- what it did: `show` (alerts and stories), `stories` (rulings), `feeds`, `topics`, `replay`
- people: `operators`, `subscribers`
"""

from __future__ import annotations

from notifier.cli.app import app

__all__ = ["app"]
