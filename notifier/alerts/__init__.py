"""What to say, to whom and why: decisions, the alerts they become, and their delivery as its store sees it.

Enters: stories with their matches, what operators said, the time. Leaves: `NewAlert`s with their evidence, or the
reason why not; next: storage, which writes an alert with its chunks, and the engine.

The decision, in order: `desk` (all of its state), `touching` (which topics), `moment` (the story as it is judged),
`lately` (what was told), `development` and `facts` (is it news again), `decide` (send, hold or drop), `held` (what
waits for an editor). Its store's Protocol is in `news`; `desk_health` says how it does.

- the alert: `alert`, `evidence` (read and told, once), `wording` (what it begins with), `payload` (its bytes),
  `article` (as anybody may read it), `store`, `delivery` (chunks), `queue`, `receipts` (what browsers told)
- by people and programs: `by_hand`, `requests`, `word` (never, hold, rulings), `preview` (what a rule would have
  sent)
"""
