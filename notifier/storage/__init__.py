"""The database: schema, migrations, and one store for each room, all behind the rooms' own Protocols.

Enters: what rooms hand over, in their own types. Leaves: the same, read back; nothing of SQL gets out.

Opened by `database` and `migrate`; the tables are in `schema`. Along the journey:

- feeds: `feeds` and `feed_rows` (poll state and leases), `flood_allowance`, `feed_archive` (for operators),
  `feed_troubles`, `hubs`; items: `items`, `item_writer`, `storable` (what a database refuses)
- stories: `story_items`, `stories` (the decider's), `rulings`, `story_reports` (as people read them), `story_history`
  (for previews)
- topics and readers: `topics`, `subscriptions` (and when they end), `audience` (counts by day), `standing` (never
  reached, or refused), `transfer` (in and out, in bulk)
- alerts: `alerts`, `editorial` (by hand), `articles` (as anybody reads them), `deliveries` (chunks), `retries`,
  `counts` (outcomes), `queue`, `receipts`, `envelopes`, `limits` (of push services, shared by workers)
- operators: `operators`, `access` (tokens, identities), `audit`
- the database itself: `write_queue`, `fault`, `health`, `troubles`, `processes`, `run_lock`, `retention` (deletes by
  age), `erasure` (what subscribers deleted),
  `stepped` and `clock_back` (a clock that was ahead), `move` and `counters` (to another database)
"""
