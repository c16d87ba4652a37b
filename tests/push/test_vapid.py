from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from py_vapid import Vapid02

from notifier.errors import ConfigError
from notifier.push.vapid import MOST_SIGNED, VapidKey, VapidSigner, load_key, load_or_create_key, vapid_key
from tests.push.reader import b64
from tests.push.vectors import VAPID_HEADER
from tests.pushsink.ledger import vapid_problem

NOW = datetime(2026, 5, 1, 12, 34, 56, tzinfo=UTC)
FCM, MOZILLA = "https://fcm.googleapis.com", "https://updates.push.services.mozilla.com"
SUBJECT = "mailto:alerts@news.example.org"


@pytest.fixture
def key() -> VapidKey:
    return vapid_key(generate_private_key(SECP256R1()))


@pytest.fixture
def signer(key: VapidKey) -> VapidSigner:
    return VapidSigner([key], SUBJECT)


def claims_of(header: str) -> dict[str, object]:
    claims: dict[str, object] = json.loads(b64(header.split(".")[1]))
    return claims


def test_the_checker_of_these_tests_trusts_the_published_header_and_no_other() -> None:
    then = datetime(2016, 1, 22, 12, 0, tzinfo=UTC).timestamp()
    assert vapid_problem(VAPID_HEADER, "https://push.example.net", then) is None
    assert vapid_problem(VAPID_HEADER, "https://push.example.org", then) == "aud"
    assert vapid_problem(VAPID_HEADER, "https://push.example.net", then + 86400) == "exp"
    forged = VAPID_HEADER.replace(".i3CY", ".i3CZ")
    assert vapid_problem(forged, "https://push.example.net", then) == "the signature does not verify"


def test_a_push_service_can_verify_who_sends(signer: VapidSigner, key: VapidKey) -> None:
    header = signer.authorization(FCM, key.key_id, NOW)
    assert vapid_problem(header, FCM, NOW.timestamp()) is None
    assert Vapid02.verify(header)
    assert header.endswith(f",k={key.application_server_key}")


def test_each_push_service_gets_its_own_audience(signer: VapidSigner, key: VapidKey) -> None:
    audiences = [claims_of(signer.authorization(origin, key.key_id, NOW))["aud"] for origin in (FCM, MOZILLA, FCM)]
    assert audiences == [FCM, MOZILLA, FCM]


def test_one_signature_serves_an_hour(signer: VapidSigner, key: VapidKey) -> None:
    first = signer.authorization(FCM, key.key_id, NOW)
    assert signer.authorization(FCM, key.key_id, NOW + timedelta(minutes=25)) == first
    assert signer.authorization(FCM, key.key_id, NOW + timedelta(minutes=26)) != first


@pytest.mark.parametrize("minutes", [0, 25])
def test_a_signature_outlives_its_use_and_ends_within_a_day(signer: VapidSigner, key: VapidKey, minutes: int) -> None:
    now = NOW + timedelta(minutes=minutes)
    expires = claims_of(signer.authorization(FCM, key.key_id, now))["exp"]
    assert isinstance(expires, int)
    assert 11 * 3600 <= expires - now.timestamp() <= 12 * 3600


def test_every_subscription_is_signed_for_by_the_key_it_is_bound_to() -> None:
    old, new = (vapid_key(generate_private_key(SECP256R1())) for _ in range(2))
    signer = VapidSigner([old, new], SUBJECT)
    for key in (old, new):
        assert signer.authorization(FCM, key.key_id, NOW).endswith(key.application_server_key)


def test_signatures_for_invented_origins_fill_no_memory(signer: VapidSigner, key: VapidKey) -> None:
    for number in range(MOST_SIGNED + 20):
        signer.authorization(f"https://x{number}.push.example.org", key.key_id, NOW)
    assert len(signer._signed) == MOST_SIGNED


def test_a_key_that_is_not_there_any_more_is_named(signer: VapidSigner) -> None:
    with pytest.raises(ConfigError, match="VAPID key lost-one"):
        signer.authorization(FCM, "lost-one", NOW)


def test_a_subject_that_is_no_contact_is_refused(key: VapidKey) -> None:
    with pytest.raises(ConfigError, match="Write mailto:you"):
        VapidSigner([key], "the news desk").authorization(FCM, key.key_id, NOW)


def test_a_new_key_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "vapid.pem"
    made = load_or_create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
    again = load_or_create_key(path)
    assert (again.key_id, again.application_server_key) == (made.key_id, made.application_server_key)


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    made: list[str] = []
    starts = [Thread(target=lambda: made.append(load_or_create_key(tmp_path / "vapid.pem").key_id)) for _ in range(8)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert set(made) == {load_key(tmp_path / "vapid.pem").key_id}


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vapid.pem"
    load_or_create_key(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_or_create_key(path)


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_without_a_key_is_never_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vapid.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="Restore the file"):
        load_or_create_key(path)
    assert path.read_bytes() == content


def test_a_key_on_another_curve_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vapid.pem"
    path.touch(mode=0o600)
    private = generate_private_key(SECP384R1())
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ConfigError, match="P-256"):
        load_or_create_key(path)


def test_a_private_key_has_no_place_in_a_repr(key: VapidKey) -> None:
    assert "private" not in repr(key)
