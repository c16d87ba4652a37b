"""From a feed's address to clean items: when to ask, how to ask, how to read, what is new.

Enters: feeds that are due (`ClaimedFeed`) and what hubs push. Leaves: `PollResult`, with new and edited `FeedItem`s,
to storage; next room: stories.

A poll, in order: `poll` calls `cadence` and `hosts` (when), `conditions` and `fetch` (ask), `workers` and `read`
(read), `novelty` and `decide` (judge), `recorder` (store). Its types are in `feed`, `fetch_result` and `poll_state`,
its store's Protocol in `store`.

- asking: `connections`, `connection`, `http1`, `framing`, `content`, `redirects`, `resolver`, `turns`, `hints`,
  `failure`
- reading: `worker` and `worker_frames` (the process that parses), `charset`, `scan`, `rss`, `jsonfeed`, `sitemap`,
  `newest`, `markup`, `dates`, `images`, `slow_feeds`
- judging: `matching` (is it a stored item), `flood` (too many at once), `health`, `moves` (a new address in
  feeds.yaml), `publishers` (a name for a feed)
- pushed by hubs (WebSub): `hub` (when to subscribe; pure), `websub` (asks hubs), `inbox` (takes what they push)
- for operators: `feed_links` and `discovery` (the feeds of a site), `opml`, `archive`
"""
