"""Environment and YAML files become each room's frozen settings; whatever is wrong is said with file, line and fix.

Enters: the environment, `.env`, feeds.yaml and topics.yaml. Leaves: `Settings`, `FeedConfig`s and `Topic`s.

Reading, in order: `settings`; `keys` (what an entry may say), `yaml_bounds`, `yaml_file`, `files`, `watch` (changed
while it runs). Writing: `edit` and `edit_feeds` (one entry), `rewrite` (the file, safely). `json_schema` tells
editors, `modes` keeps secrets from other users.
"""
