"""A visit to the front page on a slow phone: one JSON line.

    python -m benchmarks.visit [HEADLINES] [--alerts 60] [--visits 5]

Stock Chromium, headless, at a real service with the shipped topics and a week of alerts in real, long words (as root,
for a network of its own). `first_kb`, `first_requests`: what comes at a visitor's first visit, with heads, in units
of 1,024 bytes; `second_requests`: how often the second visit asks the server; `state_s`: seconds from the start of a
subscriber's visit with an empty cache until the page shows that alerts are on, the median of the `visits`, at 150 ms,
1.6 Mbit/s and a quarter of the processor (CDP); `load`: how busy the machine was.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

from benchmarks.wording import SHARED, TOPICS
from notifier.clock import system_clock
from notifier.config.files import load_topics
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from tests.browser.chromium import Chromium
from tests.browser.desktop import Desktop
from tests.browser.namespace import own_network
from tests.browser.newsroom import Newsroom
from tests.browser.push_for_chromium import ChromiumPush
from tests.browser.service import Service
from tests.browser.traffic import Traffic
from tests.contracts.samples import an_alert

HEADLINES = SHARED / "data" / "labelled-dev.jsonl"
PUBLISHERS = ("BBC", "CNN", "The Guardian", "Al Jazeera", "NPR", "DW")
WEEK = timedelta(days=7)
PHONE = {"width": 360, "height": 780}
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 1.6e6 / 8}
SLOWER_PROCESSOR = 4
KILOBYTE = 1024
WHEN_SEEN = """new MutationObserver(() => {
    if (!window.seenAt && document.querySelector('#panel[data-now=on]')) window.seenAt = performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-now'] })"""


def fill(folder: Path, headlines: Path, alerts: int) -> None:
    """A week of alerts, evenly spread, each for one to three topics; in the longest quarter of the words there are."""
    dice = random.Random(7)
    with headlines.open(encoding="utf-8") as lines:
        told = [(row["title"], unescape(row.get("summary") or "")) for row in map(json.loads, lines)]
    long = sorted(told, key=lambda words: sum(map(len, words)))[-max(alerts, len(told) // 4) :]
    slugs, now = [topic.slug for topic in load_topics(TOPICS)], system_clock()
    database = Database(f"sqlite:///{folder / 'data' / 'notifier.db'}")
    store = SqlAlertStore(database)
    for number, (title, body) in enumerate(dice.sample(long, alerts)):
        new = an_alert(breaking=number % 2 == 0)
        at = now - WEEK * ((alerts - number) / (alerts + 1))
        message = replace(new.message, title=title, body=body, publisher=dice.choice(PUBLISHERS), tag=f"story-{number}")
        topics = frozenset(dice.sample(slugs, dice.choice((1, 1, 2, 3))))
        store.accept(replace(new, message=message, topics=topics, decided_at=at), at)
    database.close()


def visits(chromium: Chromium, push: ChromiumPush, origin: str, times: int) -> dict[str, float]:
    """The figures of a visitor's two visits, and of a subscriber's with an empty cache."""
    visitor = chromium.other_tab()
    visitor.set_viewport_size(PHONE)  # type: ignore[arg-type]
    traffic = Traffic(visitor)
    for _ in range(2):  # others were here before: what is asked for again has been made small by now
        traffic.visit(origin)
    traffic.cdp.send("Network.clearBrowserCache")
    traffic.visit(origin)
    found: dict[str, float] = {
        "first_kb": round(sum(size for _, size in traffic.sizes) / KILOBYTE, 1),
        "first_requests": len(traffic.sizes),
    }
    traffic.visit(origin)
    found["second_requests"] = len(traffic.sizes)
    visitor.close()
    chromium.open(origin)
    chromium.page.get_by_role("button", name="Get alerts").click()
    chromium.until(lambda: push.connected, "Chromium to connect to its push service")
    tab = chromium.other_tab()
    cdp = tab.context.new_cdp_session(tab)
    cdp.send("Network.enable")
    cdp.send("Network.emulateNetworkConditions", SLOW)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_PROCESSOR})
    tab.add_init_script(WHEN_SEEN)
    seen_ms: list[float] = []
    for _ in range(times):
        cdp.send("Network.clearBrowserCache")
        tab.goto(origin)
        tab.locator("#panel[data-now=on]").wait_for()
        seen_ms.append(tab.evaluate("seenAt"))
    return found | {"state_s": round(median(seen_ms) / 1000, 2)}


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("headlines", nargs="?", type=Path, default=HEADLINES, help="JSON lines: `title`, `summary`")
    parser.add_argument("--alerts", type=int, default=60)
    parser.add_argument("--visits", type=int, default=5)
    return parser


def main() -> None:
    """See the top of this file."""
    options = arguments().parse_args()
    with ExitStack() as stack:
        stack.enter_context(own_network())
        newsroom, push = Newsroom(), ChromiumPush()
        stack.callback(newsroom.stop)
        stack.callback(push.stop)
        desktop = Desktop(_program("dbus-daemon"))
        stack.callback(desktop.stop)
        folder = Path(mkdtemp(prefix="visit-"))
        stack.callback(shutil.rmtree, folder)
        service = Service(folder, newsroom, push.origin, TOPICS.read_text(encoding="utf-8"))
        stack.callback(service.stop)
        fill(folder, options.headlines, options.alerts)
        chromium = Chromium(_program("chromium"), push, desktop)
        stack.callback(chromium.quit)
        chromium.set_notifications(service.origin, "allow")
        found = visits(chromium, push, service.origin, options.visits)
        print(json.dumps({"alerts": options.alerts, **found, "load": round(os.getloadavg()[0], 1)}))


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is missing: see .ci/programs")
    return found


if __name__ == "__main__":
    main()
