"""The database: schema, migrations, and one store for each room, all behind the rooms' own Protocols.

Enters: what rooms hand over, in their own types. Leaves: the same, read back; nothing of SQL gets out.

Opened by `database` and `migrate`; the tables are in `schema`. Along the journey:

- feeds: `feeds`, `feed_rows`, `flood_allowance`, `feed_archive`, `feed_troubles`, `hubs`; items: `items`,
  `item_writer`, `storable`
- stories: `story_items`, `stories` (the desk's), `rulings`, `story_reports` (as people read them), `story_history` (for
  previews), `editorial`
- topics and readers: `topics`, `subscriptions`, `audience`, `standing`, `transfer`
- alerts: `alerts`, `deliveries`, `retries`, `counts`, `queue`, `receipts`, `envelopes`, `limits`
- operators: `operators`, `access`, `audit`
- the database itself: `write_queue`, `fault`, `health`, `troubles`, `processes`, `run_lock`, `retention`, `erasure`,
  `stepped` and `clock_back` (a clock that was ahead), `move` and `counters` (to another database)
"""
