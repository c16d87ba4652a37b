"""The topics that ship: each reads, and invented stories of the kind land where a reader would look for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from notifier.topics.match import TopicIndex
from notifier.topics.reading import Text
from notifier.topics.topic import Topic, TopicMode

FILE = Path(__file__).parents[2] / "config" / "topics.yaml"


@pytest.fixture(scope="module")
def topics() -> list[Topic]:
    entries = YAML(typ="safe").load(FILE)["topics"]
    return [Topic(**{"match": "", **entry, "mode": TopicMode(entry.get("mode", "every"))}) for entry in entries]


def test_a_dozen_topics_ship_and_breaking_is_ticked(topics: list[Topic]) -> None:
    slugs = "breaking world uk us politics business technology sport science climate nato middle-east"
    assert sorted(topic.slug for topic in topics) == sorted(slugs.split())
    assert [topic.slug for topic in topics if topic.default_on] == ["breaking"]
    assert all(topic.title and topic.description for topic in topics)


@pytest.mark.parametrize(
    ("title", "section", "expected"),
    [
        ("Nato leaders gather in Ankara", "world", {"world", "nato"}),
        ("Cup winners crowned after football final", "world", set()),
        ("Welsh valleys flooded overnight", "uk", {"uk"}),
        ("Wildfire spreads in New South Wales", "world", {"world", "climate"}),
        ("British Columbia votes", "world", {"world"}),
        ("They told us to leave", "world", {"world"}),
        ("US and Iran resume talks", "world", {"world", "us", "middle-east"}),
        ("He trumps his rivals", "politics", {"politics"}),
        ("Mobile World Congress opens", "technology", {"technology"}),
        ("The best deals on headphones", "technology", set()),
        ("Telescope finds comet", "science", {"science"}),
        ("Salt Typhoon is back", "technology", {"technology"}),
        ("A climate of fear", "world", {"world"}),
        ("Prime minister quits", "world", {"world", "politics"}),
        ("Minister defends plans", "world", {"world"}),
        ("New coupe unveiled", "business", {"business"}),
    ],
)
def test_a_story_lands_in_the_topics_of_its_kind(
    topics: list[Topic], title: str, section: str, expected: set[str]
) -> None:
    matches = TopicIndex(topics).match(Text(title, section=section, language="en"))
    assert {match.slug for match in matches} == expected | {"breaking"}
