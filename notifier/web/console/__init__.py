"""The operators' console: pages rendered on the server, for people who have signed in.

Enters: a request with a session, and the `operations`. Leaves: a page, made by `page`.

- who asks: `access`, `signin`, `by_provider`, `tokens`
- news: `story_list`, `stories` (one), `alerts`, `draft` (one by hand), `progress`
- rules and feeds: `topics`, `workbench`, `feeds`, `feed_form`, `feed_list`, `changes`
- figures: `audience`, `charts`, `system`
"""
