"""What to say, to whom and why: decisions, the alerts they become, and their delivery as its store sees it.

Enters: stories with their matches, what operators said, the time. Leaves: `NewAlert`s with their evidence, or the
reason why not; next: storage, which writes an alert with its chunks, and the engine.

The decision, in order: `decider` (stories in, verdicts out), `decisions` (with what was told before), `recent_alerts`
(of the last day), `case` (all that one rests on), `development` and `facts` (is it news again), `decide` (send, hold
or drop), `on_hold` (what waits for an editor). Its store's Protocol is in `story_store`; `decider_health` says how it
does.

- the alert: `alert`, `evidence` (what it rests on), `evidence_json` (as it is stored), `evidence_words` (as people read
  it), `wording` (what it begins with), `payload` (its bytes), `article` (as anybody may read it), `delivery`
  (chunks), `queue`, `receipts` (what browsers told)
- by people and programs: `draft`, `requests`; `story_history` (what came and what was told) and `preview` (what a rule
  would have sent of it, by the same `decisions`)
"""
