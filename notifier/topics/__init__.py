"""The operator's rules: a small language, an index over all rules, and what a rule would have matched. Pure.

Enters: `Topic`s from topics.yaml, and the words of a story (`Text`). Leaves: `TopicMatch`es with the words that made
them so; next room: subscribers.

Reading a rule, in order: `topic`, `query` (by grammar.lark), `tree`, `limits` (how large), `rule_errors` (why it cannot
be read), `print` (written back). Asking it: `reading` (a text to be asked of) and `forms` (of a word), `keys` and
`match` (which rules may be true), `evaluate` and `near` (is one).

- `in_force`: the topics as they are now, exchanged in place
- for many texts at once: `corpus` (previews), `words` (readers' own words); `work` bounds both
- `failing` sets aside a rule that fails when it is run
"""
