from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.scan import divide, without
from tests.feeds.made import Entry, as_cdata, as_rss, rss


def slices(document: bytes, name: bytes = b"item") -> list[bytes] | None:
    found = divide(document, name)
    return None if found is None else [document[item.start : item.end] for item in found]


def test_each_item_is_found_whole() -> None:
    items = [as_rss(Entry.number(n)) for n in range(3)]
    assert slices(rss(*items)) == [item.encode() for item in items]


def test_what_only_looks_like_an_item_is_passed_over() -> None:
    tricky = as_cdata(Entry())
    assert slices(rss(tricky, head="<!-- <item> --><?x <item> ?><items/><itemised/>")) == [tricky.encode()]


def test_a_doctype_without_declarations_is_harmless() -> None:
    assert slices(b"<!DOCTYPE rss SYSTEM 'x.dtd'><rss><item>a</item></rss>") == [b"<item>a</item>"]


def test_it_is_not_sure_of_documents_that_are_out_of_the_ordinary() -> None:
    for inside in (
        b"<item>a<item>b</item></item>",  # nested
        b"<item>a</item></item>",
        b"<item>a",
        b"<item/><item>a</item>",
        b"<item>a</item><![CDATA[ never closed",
        b"<item>a</item><!-- never closed",
        b"<item>a</item",
    ):
        assert divide(b"<rss>" + inside, b"item") is None, inside
    assert divide(b'<!DOCTYPE rss [<!ENTITY x "<item>">]><rss><item>a</item></rss>', b"item") is None


def test_equal_items_have_equal_digests_and_others_have_not() -> None:
    found = divide(rss(item := as_rss(Entry.number(1)), as_rss(Entry.number(2)), item), b"item")
    assert found is not None
    assert found[0].digest == found[2].digest != found[1].digest


def test_cutting_every_item_leaves_the_head() -> None:
    document = rss(as_rss(Entry()), as_rss(Entry.number(1)))
    rest = without(document, divide(document, b"item") or ())
    assert b"<item" not in rest
    assert rest.replace(b"\n", b"") == rss().replace(b"\n", b"")


@given(st.binary(max_size=200) | st.text("<item/>![CDATA]-? ", max_size=80).map(str.encode))
def test_any_bytes_are_divided_into_places_in_order_or_not_at_all(document: bytes) -> None:
    places = [(item.start, item.end) for item in divide(document, b"item") or ()]
    edges = [edge for place in places for edge in place]
    assert edges == sorted(edges)
    assert all(document[start:end].startswith(b"<item") for start, end in places)
