"""Moving in and out: what another provider exports is imported, pushed to with its own key, and exported again."""

from __future__ import annotations

import csv
import json
import stat
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from notifier.cli.subscribers import app
from notifier.push.adopt import load_adopted
from notifier.push.vapid import vapid_key
from notifier.storage.database import Database
from notifier.storage.transfer import SqlTransfer
from notifier.subscribers.subscriber import Subscription
from tests.databases import sqlite_database
from tests.pushsink.browser import keys_of

runner = CliRunner()


def coded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def a_row(number: int, **more: object) -> dict[str, object]:
    endpoint = f"https://fcm.googleapis.com/fcm/send/{number}"
    keys = keys_of(number, endpoint)
    return {"endpoint": endpoint, "keys": {"p256dh": coded(keys.p256dh), "auth": coded(keys.auth)}, **more}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    sqlite_database(tmp_path / "data" / "notifier.db").close()
    with chdir(tmp_path):
        yield tmp_path


def write_json_lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def stored(here: Path) -> list[Subscription]:
    database = Database(f"sqlite:///{here / 'data' / 'notifier.db'}")
    found = list(SqlTransfer(database).every())
    database.close()
    return found


def run(*arguments: str) -> tuple[int, str]:
    result = runner.invoke(app, list(arguments))
    return result.exit_code, result.output


def test_subscriptions_come_in_with_their_topics_and_are_not_added_twice(here: Path) -> None:
    file = write_json_lines(here / "in.jsonl", a_row(1, topics=["world", "uk"]), a_row(2))
    assert run("import", str(file), "--topics", "breaking")[0] == 0
    code, said = run("import", str(file))
    assert code == 0
    assert "0 of 2 added, 2 were here already, 0 refused" in said
    assert [one.topics for one in stored(here)] == [{"world", "uk"}, {"breaking"}]
    assert stored(here)[0].keys == keys_of(1, "https://fcm.googleapis.com/fcm/send/1")


def test_what_cannot_be_right_is_refused_with_a_reason_and_the_rest_comes_in(here: Path) -> None:
    short = a_row(2) | {"keys": {"p256dh": "AAAA", "auth": "AAAA"}}
    off_curve = a_row(6) | {"keys": {"p256dh": coded(b"\x04" + bytes(64)), "auth": coded(bytes(16))}}
    stranger = a_row(3) | {"endpoint": "https://internal.example/secret-path"}
    file = write_json_lines(here / "in.jsonl", a_row(1), short, stranger, [], "x", off_curve)
    code, said = run("import", str(file))
    assert code == 1
    assert "1 of 6 added, 0 were here already, 5 refused" in said
    assert "1: p256dh has 3 bytes instead of 65 (line 2)" in said
    assert "2: the endpoint is no URL (lines 4, 5)" in said
    assert "1: p256dh is not a point on P-256 (line 6)" in said
    assert "secret-path" not in said
    assert len(stored(here)) == 1


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_what_is_exported_can_be_imported_elsewhere(here: Path, name: str) -> None:
    file = write_json_lines(here / "in.jsonl", *(a_row(number, topics=["uk", "world"]) for number in range(3)))
    run("import", str(file))
    assert run("export", name)[0] == 0
    assert stat.S_IMODE((here / name).stat().st_mode) == 0o600
    before = stored(here)
    (here / "data" / "notifier.db").unlink()
    assert run("import", name)[0] == 0
    assert [(one.keys, one.topics, one.vapid_key_id) for one in stored(here)] == [
        (one.keys, one.topics, one.vapid_key_id) for one in before
    ]


@pytest.mark.parametrize("form", ["pem", "number"])
def test_a_key_from_elsewhere_is_kept_and_binds_those_who_came_with_it(here: Path, form: str) -> None:

    private = generate_private_key(SECP256R1())
    key = here / "other.key"
    if form == "pem":
        key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        key.chmod(0o600)
    else:
        key.write_text(coded(private.private_numbers().private_value.to_bytes(32, "big")))
    file = here / "in.csv"
    row = a_row(1)
    keys = row["keys"]
    assert isinstance(keys, dict)
    with file.open("w", newline="") as lines:
        table = csv.DictWriter(lines, ["endpoint", "p256dh", "auth", "topics"])
        table.writeheader()
        table.writerow({"endpoint": row["endpoint"], **keys, "topics": "uk world"})
    assert run("import", str(file), "--vapid-key", str(key))[0] == 0
    (one,) = stored(here)
    assert one.vapid_key_id == vapid_key(private).key_id
    assert [kept.key_id for kept in load_adopted(here / "data" / "keys")] == [one.vapid_key_id]


def test_a_file_that_is_no_key_is_told_before_anybody_is_added(here: Path) -> None:
    file = write_json_lines(here / "in.jsonl", a_row(1))
    code, said = run("import", str(file), "--vapid-key", str(file))
    assert code == 2
    assert "no VAPID private key" in said


ROW = "endpoint,p256dh,auth,topics\n"
GOOD = ROW + "{endpoint},{keys[p256dh]},{keys[auth]},world\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no table at all",
        b"\xff\xfee\x00n\x00d\x00",
        b"\x89PNG\r\n\x1a\n\x00\x00" * 5000,
        b"\x00" * 4096,
        "endpoint;p256dh;auth\n".encode("utf-16"),
        b'"' + b"x" * 300_000,
    ],
)
def test_a_file_that_is_no_table_is_told_in_one_line(here: Path, content: bytes) -> None:
    (here / "list.csv").write_bytes(content)
    code, said = run("import", "list.csv")
    assert code == 1
    assert "list.csv: the first line does not name auth, endpoint, p256dh" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "bad",
    [
        "x" * 200_000 + ",a,b,world",
        "x" * 3_000_000 + ",a,b,world",
        '"' + "x" * 200_000,
        "https://x\x00y.example,\x00,\x00,\x00",
        "\udcff,\udcff,\udcff,\udcff",
        "{endpoint},{keys[p256dh]},{keys[auth]},wor\x00ld",
        "{endpoint},{keys[p256dh]},{keys[auth]}," + "w" * 500,
    ],
)
def test_a_row_that_cannot_be_read_is_refused_and_the_others_come_in(here: Path, bad: str) -> None:
    good = GOOD.format(**a_row(1)).splitlines()[1]
    text = "\n".join([ROW.strip(), good, bad.format(**a_row(2)) if "{" in bad else bad, ""])
    (here / "list.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    code, said = run("import", "list.csv")
    assert (code, len(stored(here))) == (1, 1)
    assert "Traceback" not in said


@pytest.mark.parametrize("topics", [5, {"a": 1}, [None], ["\x00"], "\ud800", [["x"]]])
def test_topics_that_are_none_are_refused(here: Path, topics: object) -> None:
    code, _ = run("import", str(write_json_lines(here / "list.jsonl", a_row(1, topics=topics), a_row(2))))
    assert (code, len(stored(here))) == (1, 1)
