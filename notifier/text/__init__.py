"""Words as data: every rule about letters, words, lines and lengths of time, each once. No room comes before it.

Enters: text that people wrote, in any script. Leaves: what is compared and what is shown, for every room.

- `fold`: one spelling of a word: case, accents and invisible characters do not count
- `tokens`: a text as words, in any script
- `languages`: language tags
- `stems`: one form of a word's inflections, by language
- `content`: what a text is about (stems), what it counts (numbers), whom it names (names)
- `line`: what a person reads: one line, nothing hidden in it, shortened where it may be cut
- `spans`: lengths of time and ages in words

Pure. All that needs to know what a story, a rule or a feed is stays in that room.
"""
