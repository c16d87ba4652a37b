"""The operators' console: pages rendered on the server, for people who have signed in.

Enters: a request with a session, and `services` from wiring. Leaves: a page, made by `page`.

- who asks: `access`, `signin`, `by_provider`, `tokens`, `audit`
- news: `wire` (the list), `stories` (one), `alerts`, `draft` (one by hand), `progress`
- rules and feeds: `topics`, `workbench`, `recent` (the days that a rule is tried on), `feeds`, `feed_fields`,
  `changes`
- figures: `audience`, `charts`, `system`, `state`, `service_reports`
"""
