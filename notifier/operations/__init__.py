"""What operators do: each verb once, under every surface.

Enters: an `Actor` and what they ask for. Leaves: what came of it as a value, or an error of `errors.py` with its stable
code; rights are checked here, and what was done is kept here under the actor's name. The console, the operators' API
and the command line only read input, call, and show.

In order: `actor` (who asks, and what they may), `files` (the operators' files under their lock, and the record of
changes), `topics` (with `previews`, how many rules are tried at once, and `recent`, the days that they are tried on),
`feeds`, `alerts`, `stories`, `access` (operators, sessions, tokens, the audit log), `system` and `service_reports` (how
the service does, as data and in words), `operations` (all of them, as surfaces are given them).
"""
