"""Subscribers' own words: who follows and who mutes a story, and why, while words come and go."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from notifier.topics.evaluate import evaluate
from notifier.topics.reading import Text
from notifier.topics.tree import Term
from notifier.topics.words import SubscriberWords, WordIndex
from tests.topics import rules

STORY = Text("Nato warns Trump", "Climate changes and U.S. troops in a long, long war", language="en")


def index_of(**words: SubscriberWords) -> WordIndex:
    """An index of subscribers named a (1), b (2), c (3)..."""
    index = WordIndex()
    for name, theirs in words.items():
        index.add(ord(name) - ord("a") + 1, theirs)
    return index


def test_a_story_finds_those_who_follow_and_those_who_mute_its_words() -> None:
    index = index_of(
        a=SubscriberWords(("nato",), ("trump",)),
        b=SubscriberWords(("NATO", "climate change")),
        c=SubscriberWords(("storm",)),
    )
    match = index.match(STORY)
    assert set(match.followers) == {1, 2}
    assert set(match.muted) == {1}


def test_a_subscriber_can_be_told_why() -> None:
    match = index_of(a=SubscriberWords(("climate change", "nato", "storm"), ("trumps",))).match(STORY)
    assert sorted(word.text for word in match.why(1)) == ["Climate changes", "Nato"]
    assert [word.text for word in match.why_muted(1)] == ["Trump"]
    assert match.why(2) == ()


def test_phrases_of_any_length_are_found_whole_only() -> None:
    index = index_of(
        a=SubscriberWords(("troops in a long",)),
        b=SubscriberWords(("troops in a short",)),
        c=SubscriberWords(("long war",)),
    )
    assert set(index.match(STORY).followers) == {1, 3}


def test_little_words_in_capitals_are_acronyms() -> None:
    index = index_of(a=SubscriberWords(("US",)), b=SubscriberWords(("us",)))
    assert set(index.match(STORY).followers) == {1, 2}
    assert set(index.match(Text("They told us")).followers) == {2}


def test_spellings_of_one_word_meet() -> None:
    index = index_of(
        a=SubscriberWords(("anti-war",)), b=SubscriberWords(("antiwar",)), c=SubscriberWords(("anti war",))
    )
    assert set(index.match(Text("An anti-war march")).followers) == {1, 2, 3}
    assert set(index.match(Text("An antiwar march")).followers) == {1, 2}
    assert set(index.match(Text("An anti war march")).followers) == {1, 3}


def test_words_of_other_scripts_are_substrings() -> None:
    assert set(index_of(a=SubscriberWords(("首相",))).match(Text("日本の首相が", language="ja")).followers) == {1}


def test_a_word_without_letters_follows_nothing() -> None:
    index = index_of(a=SubscriberWords(("...", ""), ("!",)))
    assert len(index) == 0
    assert not index.match(STORY).followers


def test_removed_words_leave_nothing_behind() -> None:
    words = SubscriberWords(("nato", "climate change"), ("trump", "nato"))
    index = index_of(a=words)
    index.match(STORY)
    index.remove(1, words)
    index.remove(2, words)
    assert len(index) == 0
    assert index.match(STORY).hits == ()


def test_removing_a_follow_keeps_the_mute() -> None:
    index = index_of(a=SubscriberWords(("nato",), ("nato",)))
    index.remove(1, SubscriberWords(("nato",)))
    match = index.match(STORY)
    assert not match.followers
    assert set(match.muted) == {1}


def test_a_forgotten_subscriber_is_named_no_more_and_may_come_back() -> None:
    index = index_of(a=SubscriberWords(("nato", "storm"), ("trump",)), b=SubscriberWords(("nato",)))
    index.forget(1)
    match = index.match(STORY)
    assert (set(match.followers), set(match.muted)) == ({2}, set())
    index.add(1, SubscriberWords(("climate change",)))
    assert [word.text for word in index.match(STORY).why(1)] == ["Climate changes"]
    assert len(index) == 2


def test_many_forgotten_subscribers_are_swept_out() -> None:
    index = WordIndex()
    index.load("nato", range(1, 20_001))
    index.load("storm", range(1, 5_001))
    for subscriber in range(1, 10_001):
        index.forget(subscriber)
    assert len(index) == 1
    assert set(index.match(STORY).followers) == set(range(10_001, 20_001))


def test_loading_a_word_at_once_equals_adding_its_subscribers() -> None:
    index = WordIndex()
    index.load("Nato", followers=[1, 2], muters=[3])
    match = index.match(STORY)
    assert (set(match.followers), set(match.muted)) == ({1, 2}, {3})


_own_words = st.lists(rules.words, min_size=1, max_size=3).map(" ".join)
_words = st.builds(
    SubscriberWords, st.lists(_own_words, max_size=3).map(tuple), st.lists(_own_words, max_size=2).map(tuple)
)


@given(st.lists(_words, max_size=5), st.sets(st.integers(0, 4)), st.lists(rules.texts, min_size=1, max_size=3))
def test_the_index_finds_what_asking_each_subscriber_finds(
    everyone: list[SubscriberWords], leaving: set[int], texts: list[Text]
) -> None:
    index = WordIndex()
    for subscriber, words in enumerate(everyone):
        index.add(subscriber, words)
    index.match(texts[0])
    for subscriber in leaving & set(range(len(everyone))):
        index.remove(subscriber, everyone[subscriber])
    for text in texts:
        asked = defaultdict(set)
        for subscriber, words in enumerate(everyone):
            if subscriber in leaving:
                continue
            for kind, theirs in (("follow", words.follow), ("mute", words.mute)):
                if any(evaluate(Term(word, quoted=True), text) for word in theirs):
                    asked[kind].add(subscriber)
        match = index.match(text)
        assert (set(match.followers), set(match.muted)) == (asked["follow"], asked["mute"])
