"""The commands as an operator types them, in a folder of their own."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError
from typer import Exit
from typer.testing import CliRunner, Result

from notifier.alerts.evidence import Evidence
from notifier.alerts.receipts import Receipt
from notifier.cli import app
from notifier.cli.terminal import explained
from notifier.clock import system_clock
from notifier.config.files import load_feeds
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.receipts import SqlReceiptStore, add_times
from notifier.storage.schema import feed
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.storage.troubles import SqlReportStore
from notifier.stories.breaking import BreakingSignals
from notifier.troubles import Code, ProcessReport, Trouble
from tests.contracts.samples import NOON, a_subscription, an_alert
from tests.databases import sqlite_database

Run = Callable[..., Result]

FEEDS = "feeds:\n  - {url: 'https://news.example/rss', publisher: The Example, section: world}\n"
TOPICS = "topics:\n  - {slug: rivers, title: Rivers, match: river OR dam}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "feeds.yaml").write_text(FEEDS)
    (tmp_path / "topics.yaml").write_text(TOPICS)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    environment = {
        "NOTIFIER_CONFIG_DIR": str(folder),
        "NOTIFIER_DATA_DIR": str(folder / "data"),
        "NOTIFIER_PORT": "0",
        "COLUMNS": "200",
    }

    def invoke(*arguments: str, **more: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env=environment | more)

    return invoke


@pytest.fixture
def site() -> Iterator[str]:
    """A publisher's site: a page that names its feed."""
    page = b'<html><head><link rel="alternate" type="application/rss+xml" title="All" href="/rss.xml"></head></html>'
    item = b"<item><title>Dam holds</title><link>/1</link></item>"
    rss = b"<rss version='2.0'><channel><title>E</title>" + item + b"</channel></rss>"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = rss if self.path == "/rss.xml" else page
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    with closing(sqlite_database(folder / "data" / "notifier.db")) as database:
        yield database


def test_check_says_ok_of_each_part(run: Run) -> None:
    result = run("check")
    assert result.exit_code == 0, result.output
    assert "1 feeds of 1 publishers" in result.output
    assert "will be made" in result.output


def test_check_tells_what_the_running_service_says_of_itself(run: Run, database: Database) -> None:
    slow = Trouble(Code.DECISIONS_BEHIND, "The desk is 9 minutes behind", "Look at the log", grave=True)
    SqlReportStore(database).put(ProcessReport("one", "all", system_clock(), (slow,)))
    result = run("check")
    assert result.exit_code == 1
    assert "The desk is 9 minutes behind. Look at the log" in result.output


def test_check_says_that_nothing_runs(run: Run, database: Database) -> None:
    SqlReportStore(database).put(ProcessReport("killed", "all", system_clock() - timedelta(minutes=5)))
    result = run("check")
    assert "no process of this service tells how it is" in result.output
    assert "base-url-unset" in result.output
    assert result.exit_code == 0


def test_check_names_the_file_the_line_and_the_fix(run: Run, folder: Path) -> None:
    (folder / "topics.yaml").write_text("topics:\n  - {slug: rivers, title: Rivers, match: river AND}\n")
    result = run("check")
    assert result.exit_code == 1
    assert "topics.yaml:2:" in result.output


def test_a_wrong_setting_ends_every_command_with_a_sentence(run: Run) -> None:
    result = run("feeds", NOTIFIER_CONTACT="me")
    assert result.exit_code == 2
    assert "NOTIFIER_CONTACT" in result.output
    assert "Traceback" not in result.output


def test_keys_are_made_once_and_only_their_owner_can_read_them(run: Run, folder: Path) -> None:
    first, second = run("keys"), run("keys")
    assert first.output == second.output
    assert "Public key" in first.output
    key = folder / "data" / "keys" / "vapid.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "BEGIN" not in first.output


def test_feeds_without_a_service_says_what_to_do(run: Run) -> None:
    assert "notifier run" in run("feeds").output


def test_feeds_shows_what_is_wrong_and_what_to_do(run: Run, database: Database) -> None:
    now = system_clock()
    with database.writing() as connection:
        connection.execute(
            insert(feed).values(
                url="https://news.example/rss", title="The Example", publisher="The Example", section="world",
                state="failing", failures=4, error="HTTP 404. Look for the feed's new address", next_poll_at=now,
            )
        )  # fmt: skip
    result = run("feeds")
    assert "failing" in result.output
    assert "The Example: HTTP 404. Look for the feed's new address" in result.output


def test_a_list_goes_out_as_opml_and_comes_in_again(run: Run, folder: Path) -> None:
    exported = run("feeds", "export").output
    (folder / "list.opml").write_text(exported)
    assert "0 feeds added" in run("feeds", "import", str(folder / "list.opml")).output.replace("\n", " ")
    (folder / "list.opml").write_text(exported.replace("news.example", "other.example").replace("The Example", "O: #1"))
    assert "1 feeds added" in run("feeds", "import", str(folder / "list.opml")).output
    written = (folder / "feeds.yaml").read_text()
    assert written.startswith(FEEDS)
    assert [feed.publisher for feed in load_feeds(folder / "feeds.yaml")] == ["The Example", "O: #1"]


def test_a_list_that_comes_in_keeps_publishers_titles_and_what_else_was_set(run: Run, folder: Path) -> None:
    more = (
        "  - {url: https://b.example/1, publisher: B, title: B 1, language: fr, weight: 0.5, poll_every_s: 60}\n"
        "  - {url: https://b.example/2, publisher: B, title: B 2, section: world, paused: true}\n"
    )
    (folder / "feeds.yaml").write_text(FEEDS + more)
    before = load_feeds(folder / "feeds.yaml")
    (folder / "list.opml").write_text(run("feeds", "export").output)
    (folder / "feeds.yaml").write_text(FEEDS)
    assert "2 feeds added" in run("feeds", "import", str(folder / "list.opml")).output
    assert set(load_feeds(folder / "feeds.yaml")) == set(before)


def test_what_is_no_opml_changes_nothing(run: Run, folder: Path) -> None:
    (folder / "list.opml").write_text("<html></html>")
    assert run("feeds", "import", str(folder / "list.opml")).exit_code == 2
    assert (folder / "feeds.yaml").read_text() == FEEDS


def test_find_shows_the_feeds_of_a_page_and_the_lines_for_the_file(run: Run, site: str) -> None:
    result = run("feeds", "find", site + "/", NOTIFIER_FEED_ALLOW="127.0.0.1")
    assert result.exit_code == 0, result.output
    assert f"- url: {site}/rss.xml" in result.output
    assert "Dam holds" in result.output


def test_find_never_asks_a_private_address_that_is_not_allowed(run: Run, site: str) -> None:
    result = run("feeds", "find", site + "/")
    assert result.exit_code == 2
    assert "not a public address" in result.output


def test_alerts_says_why_to_how_many_and_what_came_of_it(run: Run, database: Database) -> None:
    SqlSubscriptionStore(database).subscribe(a_subscription("ada", "rivers"), NOON)
    signals = BreakingSignals({"The Example": 1.0, "Other": 2.0}, weight=3.0, needed=3.0)
    why = Evidence(topics={"rivers": ["dam"]}, signals=signals)
    SqlAlertStore(database).accept(replace(an_alert("rivers", breaking=True), why=why), NOON)
    result = run("alerts")
    assert "breaking" in result.output
    assert "Dam holds after night of rain" in result.output
    assert "rivers (dam); told by The Example, Other (weight 3 of 3)" in result.output
    assert "1 subscribers of rivers: nothing yet (under way)" in result.output


def test_alerts_says_how_long_it_took_and_what_browsers_told(run: Run, database: Database) -> None:
    SqlSubscriptionStore(database).subscribe(a_subscription("ada", "rivers"), NOON)
    fetched = replace(an_alert("rivers"), published_at=NOON - timedelta(seconds=90), fetched_at=NOON)
    alert = SqlAlertStore(database).accept(replace(fetched, decided_at=NOON + timedelta(seconds=3)), NOON)
    with database.writing() as connection:
        add_times(connection, {(alert.id, "accepted", 2.0): 1})
    SqlReceiptStore(database).add({Receipt(alert.receipt or "", "shown", 5): 1}, NOON + timedelta(minutes=1))
    said = run("alerts", "--why").output
    assert "fetched 90 s after publication; decided 3 s after that" in said
    assert "accepted: half within 2 s, 90% within 2 s, 100% within 120 s" in said
    assert "shown by about 1, as browsers tell" in said


def test_alerts_and_stories_say_where_to_look_when_there_are_none(run: Run) -> None:
    assert "notifier stories" in run("alerts").output
    assert "notifier feeds" in run("stories").output


def test_a_rule_can_be_tried_on_a_headline(run: Run) -> None:
    hit = run("topics", "test", "dam AND NOT beaver", "Dam holds after night of rain")
    assert (hit.exit_code, "by Dam" in hit.output) == (0, True)
    miss = run("topics", "test", "dam AND NOT beaver", "Beaver dam grows")
    assert (miss.exit_code, "No match" in miss.output) == (1, True)


def test_a_wrong_rule_is_explained(run: Run) -> None:
    result = run("topics", "test", "dam AND (river", "x")
    assert result.exit_code == 2
    assert ":9" in result.output


def test_topics_lists_the_rules(run: Run) -> None:
    assert "river OR dam" in run("topics", "list").output


def test_a_test_push_to_nobody_says_what_to_do(run: Run) -> None:
    result = run("test-push")
    assert result.exit_code == 2
    assert "Get alerts" in result.output


@pytest.mark.parametrize(
    "url",
    ["garbage", "mysql://x/y", "postgresql+psycopg://u:hush-hush@127.0.0.1:1/x", "postgresql://u:p@s:t@hush-hush/x"],
)
@pytest.mark.parametrize("command", ["alerts", "check", "keys"])
def test_a_database_that_cannot_be_used_is_a_sentence_without_the_password(run: Run, command: str, url: str) -> None:
    result = run(command, NOTIFIER_DATABASE_URL=url)
    assert result.exit_code in {1, 2}
    assert "NOTIFIER_DATABASE_URL" in result.output
    assert "hush-hush" not in result.output
    assert not isinstance(result.exception, OSError)


def test_check_changes_nothing(run: Run, folder: Path) -> None:
    assert "will be made at the first start" in run("check").output
    assert not (folder / "data").exists()


def test_wrong_allow_lists_are_found_by_check(run: Run) -> None:
    assert run("check", NOTIFIER_FEED_ALLOW="999.1.1.1").exit_code == 1
    assert run("check", NOTIFIER_PUSH_ALLOW="http://example.org").exit_code == 1


def test_brackets_in_an_address_are_no_markup(run: Run) -> None:
    assert run("feeds", "find", "http://[/x]").exit_code == 2


def no_database(data: Path) -> None:
    data.mkdir()
    (data / "notifier.db").write_text("this is no database " * 100)


def no_folder(data: Path) -> None:
    data.write_text("")


def no_key(data: Path) -> None:
    (data / "keys" / "vapid.pem").mkdir(parents=True, mode=0o700)


@pytest.mark.parametrize(
    ("spoil", "command", "code"),
    [(no_database, "check", 1), (no_database, "feeds", 2), (no_database, "keys", 2), (no_folder, "check", 1),
     (no_folder, "stories", 2), (no_folder, "keys", 2), (no_key, "check", 1), (no_key, "keys", 2)],
)  # fmt: skip
def test_a_data_folder_that_cannot_be_used_is_a_sentence(
    run: Run, folder: Path, spoil: Callable[[Path], None], command: str, code: int
) -> None:
    spoil(folder / "data")
    result = run(command)
    assert (result.exit_code, type(result.exception)) == (code, SystemExit)
    assert str(folder / "data") in result.output


def test_a_data_folder_that_cannot_be_made_is_found_by_check(run: Run) -> None:
    result = run("check", NOTIFIER_DATA_DIR="/dev/null/data")
    assert (result.exit_code, "/dev/null" in result.output) == (1, True)


def test_a_database_that_gives_up_half_way_is_a_sentence_without_its_parameters() -> None:
    with pytest.raises(Exit) as left, explained():
        raise OperationalError("SELECT :secret", {"secret": "hush-hush"}, Exception("server closed the connection"))
    assert left.value.exit_code == 2
    assert str(left.value.__cause__).startswith("the database gave up: server closed the connection")


@pytest.mark.parametrize(
    "command", [("alerts", "-n", "9" * 20), ("stories", "-n", "9" * 20), ("test-push", "9" * 20)], ids=lambda c: c[0]
)
def test_a_number_that_no_database_holds_is_refused(run: Run, command: tuple[str, ...]) -> None:
    result = run(*command)
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)


def test_in_a_rehearsal_times_are_counted_from_the_newest(run: Run, database: Database) -> None:
    SqlSubscriptionStore(database).subscribe(a_subscription("ada", "rivers"), NOON)
    SqlAlertStore(database).accept(an_alert("rivers"), NOON)
    output = run("alerts", NOTIFIER_REHEARSAL="2026-04-25T10:00Z*600").output
    assert "counted from the newest, 2026-04-25 12:00 UTC" in output
    assert "just now" in output


def test_the_feeds_fit_a_narrow_terminal(run: Run, database: Database) -> None:
    now = system_clock()
    with database.writing() as connection:
        connection.execute(
            insert(feed).values(
                url="https://news.example/rss", title="The Example of a long name: world and politics",
                publisher="The Example", section="world", state="ok", usual_gap_s=400.0, last_success_at=now,
                last_change_at=now, next_poll_at=now,
            )
        )  # fmt: skip
    table, _, reasons = run("feeds", COLUMNS="80").output.partition("How often each is asked, and why:")
    assert all(len(line.rstrip()) <= 80 for line in table.splitlines())
    assert "The Example of a long name" in table
    assert "it changes every 400 s or so" in reasons
