"""Signing in by a provider, over real HTTP on loopback: whom it lets in, and everything that it must not believe."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from notifier.addresses import AddressGuard
from notifier.operators.identity import role_rules
from notifier.operators.operator import Role
from notifier.operators.password import NONE
from notifier.web.app import build_app
from notifier.web.console.by_provider import CALLBACK, COOKIE, PATH
from notifier.web.provider.http import ProviderHttp
from notifier.web.provider.openid import Provider, ProviderSettings, ProviderSignIn
from tests.web.console.access import MemoryIdentities
from tests.web.console.newsroom import PASSWORD, Console
from tests.web.provider.provider import CLIENT, KEY, OTHER_KEY, SECRET, FakeProvider, serving, unsigned
from tests.web.site import NOW, Answer

BEA = "bea@news.example"
LOOPBACK = AddressGuard.allowing(["127.0.0.1"])


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with serving(FakeProvider(now=NOW.timestamp)) as provider:
        yield provider


class Browser:
    """A browser at the sign-in page of a console that has a provider."""

    def __init__(self, folder: Path, fake: FakeProvider, *, roles: str = "", guard: AddressGuard = LOOPBACK) -> None:
        self.console, self.fake = Console(folder), fake
        self.identities = MemoryIdentities(self.console.operators)
        rules = role_rules(roles)
        settings = ProviderSettings(
            fake.issuer, CLIENT, f"http://127.0.0.1:8000{CALLBACK}", SECRET, {rule.claim for rule in rules}
        )
        provider = Provider(settings, ProviderHttp(guard, deadline_s=1.0), self.console.clock)
        way = ProviderSignIn("Newsroom", provider, self.identities, rules)
        services = self.console.site.services()
        self.console.site.app = build_app(replace(services, by_provider=way))
        self.cookie = ""

    def leave(self) -> Answer:
        """Follow the link to the provider."""
        answer = self.console.site.ask("GET", PATH, headers={"accept": "text/html"})
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def come_back(self, brought: dict[str, str]) -> Answer:
        """Be sent back by the provider, as another site's page sends a browser."""
        headers = {"accept": "text/html", "cookie": self.cookie, "sec-fetch-site": "cross-site"}
        return self.console.site.ask("GET", f"{CALLBACK}?{urlencode(brought)}", headers=headers)

    def sign_in(self, **more: str) -> Answer:
        """All the way."""
        return self.come_back(self.fake.let_in(self.leave().headers["location"]) | more)

    def is_in(self, answer: Answer) -> str | None:
        """As whom the answer signs in."""
        found = re.match(r"notifier-session=([^;]+)", answer.headers.get("set-cookie", ""))
        if found is None:
            return None
        self.console.cookie = found[1]
        assert self.console.get("/console/stories").status == 200
        return self.console.operators.sessions(NOW)[0].operator


@pytest.fixture
def browser(tmp_path: Path, fake: FakeProvider) -> Browser:
    made = Browser(tmp_path, fake)
    made.console.operators.add(BEA, NONE, Role.EDITOR, NOW)
    return made


def test_the_sign_in_page_leads_to_the_provider_with_state_nonce_and_challenge(browser: Browser) -> None:
    assert "Sign in with Newsroom" in browser.console.get("/console/sign-in").text

    answer = browser.leave()

    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert answer.headers["location"].startswith(f"{browser.fake.issuer}/authorize?")
    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert {"HttpOnly", "SameSite=lax", f"Path={PATH}"} <= set(answer.headers["set-cookie"].split("; "))


def test_an_operator_made_beforehand_is_known_by_the_verified_address_then_by_the_account(browser: Browser) -> None:
    answer = browser.sign_in()

    assert browser.is_in(answer) == BEA
    assert 'content="0; url=/console/stories"' in answer.text
    assert browser.fake.asked[0]["grant_type"] == "authorization_code"
    assert SECRET not in str(browser.fake.asked)
    assert browser.fake.credentials[0].startswith("Basic ")
    browser.fake.claims = {"sub": "1234", "email": "new@news.example", "email_verified": True}
    assert browser.is_in(browser.sign_in()) == BEA, "it is the account that counts"


def test_an_operator_without_a_password_has_none_that_fits(browser: Browser) -> None:
    for password in ("", NONE, PASSWORD, "nobody has this password"):
        answer = browser.console.form("/console/sign-in", {"name": BEA, "password": password}, {})
        assert answer.status in {401, 422}


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "9", "email": "eve@news.example", "email_verified": True},
        {"sub": "9", "email": BEA, "email_verified": False},
        {"sub": "9", "email": BEA},
        {"sub": "9", "preferred_username": BEA, "name": BEA},
    ],
)
def test_nobody_else_is_let_in_or_made(browser: Browser, claims: dict[str, Any]) -> None:
    browser.fake.claims, browser.fake.userinfo = claims, {"sub": "9"}

    answer = browser.sign_in()

    assert (answer.status, browser.is_in(answer)) == (401, None)
    assert list(browser.console.operators.known) == [BEA]
    assert browser.identities.links == {}


def test_an_address_that_another_account_now_has_opens_nothing(browser: Browser) -> None:
    browser.sign_in()
    browser.fake.claims = {"sub": "another", "email": BEA, "email_verified": True}

    answer = browser.sign_in()

    assert (answer.status, browser.is_in(answer)) == (401, None)


def _with(**changed: Any) -> Any:
    def change(fake: FakeProvider) -> None:
        fake.claims = fake.claims | changed

    return change


def _signed_by(make: Any) -> Any:
    def change(fake: FakeProvider) -> None:
        fake.sign = make

    return change


def _public_key_as_secret(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256", "kid": "k1"}, claims, OctKey.import_key(KEY.as_pem(private=False)))


SECOND = int(NOW.timestamp())
HOSTILE: dict[str, Any] = {
    "another nonce": _with(nonce="somebody else's"),
    "no nonce": _with(nonce=None),
    "another audience": _with(aud="another-client"),
    "an audience of two without azp": _with(aud=[CLIENT, "another-client"]),
    "made for another party": _with(aud=[CLIENT, "other"], azp="other"),
    "another issuer": _with(iss="https://evil.example"),
    "expired": _with(exp=SECOND - 120, iat=SECOND - 400),
    "no end": _with(exp=None),
    "an end that is no time": _with(exp="never"),
    "not in force yet": _with(nbf=SECOND + 600),
    "nobody": _with(sub=None),
    "an absurd subject": _with(sub="x" * 300),
    "a subject that no database could hold": _with(sub="a\x00b"),
    "alg none": _signed_by(lambda claims: unsigned({"alg": "none"}, claims)),
    "alg none with a kid": _signed_by(lambda claims: unsigned({"alg": "None", "kid": "k1"}, claims)),
    "the public key as a secret": _signed_by(_public_key_as_secret),
    "an unknown key": _signed_by(lambda claims: jwt.encode({"alg": "RS256", "kid": "k9"}, claims, OTHER_KEY)),
    "another key under this name": _signed_by(
        lambda claims: jwt.encode({"alg": "RS256", "kid": "k1"}, claims, OTHER_KEY)
    ),
    "a changed payload": _signed_by(
        lambda claims: jwt.encode({"alg": "RS256", "kid": "k1"}, claims, KEY).replace(".", ".e", 1)
    ),
    "no token": _signed_by(lambda _: ""),
    "no string": _signed_by(lambda _: 17),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_token_that_does_not_hold_signs_nobody_in(browser: Browser, change: Any) -> None:
    change(browser.fake)

    answer = browser.sign_in()

    assert (answer.status, browser.is_in(answer)) == (502, None)
    assert "no answer that can be trusted" in answer.text
    assert browser.identities.links == {}


def test_a_key_that_is_new_since_the_last_time_is_fetched(browser: Browser) -> None:
    browser.sign_in()
    browser.fake.keys = [OTHER_KEY.as_dict(private=False)]
    browser.fake.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "k2"}, claims, OTHER_KEY)

    assert browser.is_in(browser.sign_in()) == BEA


def test_a_visit_is_good_once_for_the_browser_that_began_it_and_for_ten_minutes(browser: Browser) -> None:
    brought = browser.fake.let_in(browser.leave().headers["location"])
    own = browser.cookie
    for cookie in ("", f"{COOKIE}=made-up"):
        browser.cookie = cookie
        assert browser.come_back(brought).status == 401
    browser.cookie = own
    assert browser.come_back(brought | {"state": "made-up"}).status == 401

    assert browser.is_in(browser.come_back(brought)) == BEA
    assert browser.come_back(brought).status == 401, "a replay"
    brought = browser.fake.let_in(browser.leave().headers["location"])
    browser.console.clock.advance(601)
    assert browser.come_back(brought).status == 401


def test_an_answer_of_another_issuer_is_not_taken_up(browser: Browser) -> None:
    assert browser.sign_in(iss="https://evil.example").status == 502
    assert browser.fake.asked == [], "the code is not handed on"
    browser.fake.metadata = {"authorization_response_iss_parameter_supported": True}
    browser.console.clock.advance(3601)
    browser.fake.now = browser.console.clock().timestamp
    assert browser.sign_in().status == 502
    assert browser.sign_in(iss=browser.fake.issuer).status == 200


def test_a_refusal_by_the_provider_is_said(browser: Browser) -> None:
    state = browser.fake.let_in(browser.leave().headers["location"])["state"]

    answer = browser.come_back({"error": "access_denied", "error_description": "<script>", "state": state})

    assert answer.status == 401
    assert "did not let you in" in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "//evil.example"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": ["https://a.example"]},
    ],
)
def test_a_description_that_cannot_be_right_leads_nowhere(browser: Browser, metadata: dict[str, Any]) -> None:
    browser.fake.metadata = metadata

    answer = browser.leave()

    assert (answer.status, answer.headers.get("location")) == (502, None)
    assert browser.identities.visits == {}


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
@pytest.mark.parametrize("how", ["fails", "is stuck", "is huge"])
def test_a_provider_that_fails_is_slow_or_endless_costs_a_bounded_attempt(
    browser: Browser, path: str, how: str
) -> None:
    match how:
        case "fails":
            browser.fake.status[path] = 500
        case "is stuck":
            browser.fake.stuck.add(path)
        case _:
            browser.fake.huge.add(path)
    began = time.monotonic()

    answer = browser.leave()
    if path == "/token":
        answer = browser.come_back(browser.fake.let_in(answer.headers["location"]))

    assert answer.status == 502
    assert browser.is_in(answer) is None
    assert time.monotonic() - began < 10
    assert 'name="password"' in answer.text, "the other way in stays"


def test_a_provider_on_a_private_address_is_not_asked_unless_it_is_allowed(tmp_path: Path, fake: FakeProvider) -> None:
    assert Browser(tmp_path, fake, guard=AddressGuard()).leave().status == 502


def test_an_address_that_only_the_userinfo_endpoint_tells_is_asked_for(browser: Browser) -> None:
    browser.fake.claims = {"sub": "1234"}
    browser.fake.userinfo = {"sub": "1234", "email": BEA.upper(), "email_verified": "true"}
    assert browser.is_in(browser.sign_in()) == BEA

    browser.fake.userinfo = {"sub": "somebody else", "email": BEA, "email_verified": True}
    assert browser.sign_in().status == 502


def test_a_setting_gives_roles_by_claims_and_takes_them_back(tmp_path: Path, fake: FakeProvider) -> None:
    browser = Browser(tmp_path, fake, roles="groups:news=editor, groups:desk=admin")
    fake.claims |= {"groups": ["staff", "news", "desk"]}

    assert browser.is_in(browser.sign_in()) == BEA
    assert browser.console.operators.known[BEA][0].role is Role.ADMIN

    fake.claims |= {"groups": ["news"]}
    assert browser.is_in(browser.sign_in()) == BEA
    assert browser.console.operators.known[BEA][0].role is Role.EDITOR

    fake.claims |= {"groups": ["staff"]}
    answer = browser.sign_in()
    assert (answer.status, browser.is_in(answer)) == (401, None)
    assert browser.console.operators.sessions(NOW) == [], "nor does an older session go on"


def test_without_a_provider_there_is_no_such_address(tmp_path: Path) -> None:
    assert Console(tmp_path).get(PATH).status == 404


def test_leaving_for_the_provider_is_limited(browser: Browser) -> None:
    assert [browser.leave().status for _ in range(11)] == [303] * 10 + [429]


def test_no_secret_and_no_token_gets_into_the_log(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    browser.fake.status["/token"] = 500

    browser.sign_in()

    written = "".join(capsys.readouterr())
    assert "provider.failed" in written
    assert not [word for word in (SECRET, "code-0", browser.cookie.partition("=")[2]) if word in written]


def test_the_clock_of_a_provider_may_be_a_little_ahead(browser: Browser) -> None:
    browser.fake.now = lambda: datetime(2026, 4, 26, 9, 30, 50, tzinfo=UTC).timestamp()

    assert browser.is_in(browser.sign_in()) == BEA
