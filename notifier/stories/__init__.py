"""From items to stories: which outlets tell one event, and whether it is breaking. Pure.

Enters: stored items (`StoryItem`), the operators' rulings, the time. Leaves: `Grouping`s, stories, and a `Judgement`
of each; next room: topics.

An item, in order: `canonical` (its keys; its words by text/), `exact` (same page or headline), `window` (who may be
like it), `signals` (how like, by weights.json), `cluster` (where it goes), `apply_rulings` (what operators ruled),
`breaking` (is it). The types are in `story`. All of the state is in `stories`: the decider, a replay and previews
drive it by the same calls.

- its parts: `open_stories` (which items each has), `open_story` and `members`, `matches` (the topics of each),
  `snapshot` (a story as a poll left it), `overrides` (never, hold, rulings)
- beside the walk: `rulings`, `related` (stories that may be related), `baseline` (what is usual),
  `gate` (what recurs and is no news), `agency_copy` (one agency's text is one source), `explain` (why, layer by layer)
"""
