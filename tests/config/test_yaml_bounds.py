"""Files that would take the stack, the memory or the time of whoever reads them: refused at their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifier.config.files import load_feeds, load_topics
from notifier.errors import ConfigError

LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
REFUSED = {
    "lists in lists": ("topics: " + "[" * 50_000, 1, "nested deeper"),
    "lists in lists, as blocks": ("topics:\n" + "- " * 5_000 + "a", 2, "nested deeper"),
    "mappings in mappings": ("topics: " + "{a: " * 1_000 + "b" + "}" * 1_000, 1, "nested deeper"),
    "a billion laughs": (LAUGHS + "topics:\n  - {slug: a, title: A, match: *a8}\n", 8, "more than"),
    "a key of lists": ("topics:\n  - {slug: a, title: A, match: b, ? [[c]] : d}\n", 2, "key has to be text"),
    "an alias of itself": ("topics: &a\n  - {slug: a, title: A, match: *a}\n", 2, "within what it stands for"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_nobody_could_read_is_refused_at_its_line(tmp_path: Path, what: str) -> None:
    text, line, problem = REFUSED[what]
    for load, name in ((load_topics, "topics"), (load_feeds, "feeds")):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text.replace("topics:", f"{name}:"), encoding="utf-8")
        with pytest.raises(ConfigError) as refused:
            load(path)
        assert refused.value.line == line
        assert problem in refused.value.problem


def test_aliases_that_save_writing_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "topics.yaml"
    path.write_text(
        "shared: &shared {mode: held, daily_budget: 3}\n"
        "topics:\n"
        "  - {slug: a, title: A, match: a, <<: *shared}\n"
        "  - {slug: b, title: B, match: b, <<: *shared}\n"
    )
    assert [(topic.mode, topic.daily_budget) for topic in load_topics(path)] == [("held", 3), ("held", 3)]
