"""From items to stories: which outlets tell one event, and whether it is breaking. Pure.

Enters: stored items (`StoryItem`), the operators' rulings, the time. Leaves: `Grouping`s, stories, and a `Judgement`
of each; next room: topics.

An item, in order: `identity` (its keys; its words by text/), `exact` (same page or headline), `window` (who may be
like it), `signals` (how like, by weights.json), `cluster` (where it goes), `apply_rulings` (what operators ruled),
`breaking` (is it). The types are in `story`.

- beside the walk: `open_story`, `members`, `rulings`, `related` (stories that may be related), `baseline` (what is
  usual), `gate` (what recurs and is no news), `agency_copy` (one agency's text is one source), `explain` (why, layer by
  layer)
"""
