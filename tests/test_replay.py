"""A recording through the decider: the same alerts every time, and a line for each."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.decider import Decider
from notifier.replay import group_stream, read_recording, replay
from notifier.stories.canonical import title_key
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic, TopicMode

START = 1_900_000_000
TOLD = [
    "Dam at Kessel breaks, villages under water",
    "Villages under water after Kessel dam breaks",
    "Kessel dam breaks and floods villages",
]


def line(source: str, title: str, hours: float = 0.0, **given: Any) -> dict[str, Any]:
    seen = START + int(hours * 3600)
    link = f"https://{source.lower()}.example/{title_key(title).replace(' ', '-')}"
    published = datetime.fromtimestamp(seen, UTC).isoformat()
    return {
        "first_seen": seen,
        "source": source,
        "category": "world",
        "title": title,
        "link": link,
        "published": published,
    } | given


def recording() -> list[dict[str, Any]]:
    backlog = [line(source, f"{source} opens its archive of {i} old maps") for i, source in enumerate("ABC")]
    news = [line(source, title, 2) for source, title in zip("ABC", TOLD, strict=True)]
    return backlog + news


def decider() -> Decider:
    topics = (Topic("breaking", "Breaking", "", "", TopicMode.BREAKING),)
    return Decider(TopicIndex(topics), topics)


def alerts(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [d.as_json() for _, decisions in replay(lines, decider()) for d in decisions if d.alert]


def test_three_outlets_in_one_poll_are_one_alert_with_their_links() -> None:
    (alert,) = alerts(recording())
    assert alert["kind"] == "new"
    assert len(alert["links"]) == 3
    assert datetime.fromisoformat(alert["at"]).timestamp() == START + 2 * 3600


def test_a_replay_twice_gives_the_same_alerts() -> None:
    assert alerts(recording()) == alerts(recording())


def test_a_sources_first_poll_alerts_nobody() -> None:
    assert alerts([line(source, title) for source, title in zip("ABC", TOLD, strict=True)]) == []


def test_what_was_not_sent_says_why() -> None:
    dropped = [d for _, decisions in replay(recording()[:1], decider()) for d in decisions]
    assert [d.as_json()["kind"] for d in dropped] == ["not-breaking"]


def test_a_recording_is_read_plain_or_gzipped(tmp_path: Path) -> None:
    text = "".join(json.dumps(row) + "\n" for row in recording()).encode()
    (tmp_path / "a.jsonl").write_bytes(text)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text))
    assert list(read_recording(tmp_path / "a.jsonl")) == list(read_recording(tmp_path / "a.jsonl.gz")) == recording()


def test_worlds_share_their_background_and_nothing_else() -> None:
    row = {"title": TOLD[0], "summary": "", "source": "A", "link": None, "t": None}
    lines = [row | {"ds": "distractor"}, row | {"ds": "one", "source": "B"}, row | {"ds": "two", "title": TOLD[1]}]
    lines.append(
        {
            "ds": "two",
            "title": "Opera house of Lind reopens",
            "summary": None,
            "source": "C",
            "link": None,
            "t": "2030-01-02",
        }
    )
    found = [answer["cluster"] for answer in group_stream(lines)]
    assert found[0] == found[1]
    assert found[3] not in found[:3]
    assert found[3].startswith("two:")


NEWS = st.lists(
    st.tuples(st.sampled_from("ABCDE"), st.integers(0, 5), st.integers(1, 8)), min_size=1, max_size=25, unique=True
)


@given(NEWS)
def test_any_recording_replayed_twice_gives_the_same_alerts(news: list[tuple[str, int, int]]) -> None:
    titles = [
        *TOLD,
        "Opera house of Lind reopens",
        "Ferry aground at Mirn, 12 hurt",
        "Twelve hurt as Mirn ferry grounds",
    ]
    backlog = [line(source, f"{source} opens its archive") for source in "ABCDE"]
    lines = backlog + [line(source, titles[i], hours) for source, i, hours in sorted(news, key=lambda n: n[2])]
    assert alerts(lines) == alerts(lines)
