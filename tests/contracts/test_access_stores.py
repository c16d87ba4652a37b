"""What every TokenStore, IdentityStore and RequestStore does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest

from notifier.alerts.requests import IdempotentRequest, RequestStore
from notifier.errors import Conflict, KeyReused
from notifier.operators.identity import IdentityStore, Linked
from notifier.operators.operator import Operator, OperatorStore, Role
from notifier.operators.token import TokenScope, TokenStore
from notifier.storage.access import SqlIdentityStore, SqlRequestStore, SqlTokenStore
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.operators import SqlOperatorStore
from tests.contracts.samples import NOON, an_alert
from tests.web.console.access import MemoryIdentities, MemoryOperators, MemoryRequests, MemoryTokens
from tests.web.console.newsroom import MemoryEditorialStore

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ISSUER = "https://login.example"
BOTH = frozenset({TokenScope.READ, TokenScope.TOPICS})


@dataclass(frozen=True, slots=True)
class Access:
    """The stores of one database, or the doubles over one another; `alerts` counts what was accepted."""

    operators: OperatorStore
    tokens: TokenStore
    identities: IdentityStore
    requests: RequestStore
    alerts: Callable[[], int]


@pytest.fixture
def access(database_or_double: Database | None) -> Access:
    if database_or_double is None:
        operators, alerts = MemoryOperators(), MemoryEditorialStore()
        tokens, identities = MemoryTokens(operators), MemoryIdentities(operators)
        return Access(operators, tokens, identities, MemoryRequests(alerts.accept), lambda: len(alerts.made))
    return Access(
        SqlOperatorStore(database_or_double),
        SqlTokenStore(database_or_double),
        SqlIdentityStore(database_or_double),
        SqlRequestStore(database_or_double),
        lambda: len(SqlAlertStore(database_or_double).recent(10)),
    )


@pytest.fixture
def operators(access: Access) -> OperatorStore:
    return access.operators


@pytest.fixture
def tokens(access: Access) -> TokenStore:
    return access.tokens


@pytest.fixture
def ada(operators: OperatorStore) -> Operator:
    return operators.add("Ada", "hash", Role.EDITOR, NOON)


def test_a_token_acts_for_its_operator_until_it_ends(tokens: TokenStore, ada: Operator) -> None:
    made = tokens.add(ada.id, "desk bot", b"digest", BOTH, NOON, NOON + HOUR)

    grant = tokens.use(b"digest", NOON)

    assert grant is not None
    assert (grant.operator, grant.token) == (ada, made)
    assert grant.may(TokenScope.TOPICS)
    assert not grant.may(TokenScope.ALERTS)
    assert tokens.use(b"other", NOON) is None
    assert tokens.use(b"digest", NOON + HOUR) is None


def test_a_token_can_never_do_more_than_its_operator_may_now(
    tokens: TokenStore, operators: OperatorStore, ada: Operator
) -> None:
    tokens.add(ada.id, "desk bot", b"digest", BOTH, NOON, None)

    operators.set_role("Ada", Role.VIEWER)

    grant = tokens.use(b"digest", NOON)
    assert grant is not None
    assert (grant.may(TokenScope.READ), grant.may(TokenScope.TOPICS)) == (True, False)
    operators.remove("Ada")
    assert tokens.use(b"digest", NOON) is None
    assert tokens.list() == []


def test_the_last_use_of_a_token_is_remembered_to_the_minute(tokens: TokenStore, ada: Operator) -> None:
    tokens.add(ada.id, "desk bot", b"digest", BOTH, NOON, None)
    assert [t.last_used_at for t in tokens.list()] == [None]

    for seconds in (0, 59, 61):
        tokens.use(b"digest", NOON + timedelta(seconds=seconds))

    assert [t.last_used_at for t in tokens.list("Ada")] == [NOON + timedelta(seconds=61)]
    assert tokens.list("Eve") == []


def test_a_revoked_token_is_worth_nothing(tokens: TokenStore, operators: OperatorStore, ada: Operator) -> None:
    operators.add("Bea", "hash", Role.EDITOR, NOON)
    made = tokens.add(ada.id, "desk bot", b"digest", BOTH, NOON, None)

    assert not tokens.revoke(made.id, "Bea"), "it is not hers"
    assert tokens.revoke(made.id, "Ada")

    assert tokens.use(b"digest", NOON) is None
    assert not tokens.revoke(made.id)


def test_an_account_belongs_to_one_operator(access: Access, operators: OperatorStore, ada: Operator) -> None:
    identities = access.identities
    bea = operators.add("Bea", "hash", Role.VIEWER, NOON)

    identities.link(ada.id, ISSUER, "1234", NOON, managed=True)

    assert identities.linked(ISSUER, "1234") == Linked(ada, managed=True)
    assert identities.linked("https://other.example", "1234") is None
    assert (identities.is_linked(ada.id, ISSUER), identities.is_linked(bea.id, ISSUER)) == (True, False)
    with pytest.raises(Conflict):
        identities.link(bea.id, ISSUER, "1234", NOON, managed=False)
    operators.remove("Ada")
    assert identities.linked(ISSUER, "1234") is None


def test_a_visit_to_a_provider_ends_once(access: Access) -> None:
    identities = access.identities
    identities.begin(b"visit", "nonce", "verifier", NOON, NOON + HOUR)
    identities.begin(b"late", "nonce", "verifier", NOON, NOON + HOUR)

    assert identities.finish(b"other", NOON) is None
    assert identities.finish(b"visit", NOON) == ("nonce", "verifier")
    assert identities.finish(b"visit", NOON) is None
    assert identities.finish(b"late", NOON + HOUR) is None


def test_a_request_that_is_made_again_makes_no_second_alert(access: Access, ada: Operator) -> None:
    requests, asked = access.requests, IdempotentRequest(ada.id, "key-1", b"digest")
    assert requests.accepted(asked) is None

    first, fresh = requests.accept_once(asked, an_alert("world"), NOON)
    again, as_before = requests.accept_once(asked, an_alert("world"), NOON)

    assert (fresh, as_before, again.id) == (True, False, first.id)
    assert requests.accepted(asked) == first
    assert access.alerts() == 1
    with pytest.raises(KeyReused):
        requests.accept_once(IdempotentRequest(ada.id, "key-1", b"something else"), an_alert("world"), NOON)


def test_two_that_ask_at_the_same_time_get_one_alert(access: Access, ada: Operator) -> None:
    requests, asked = access.requests, IdempotentRequest(ada.id, "key-1", b"digest")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: requests.accept_once(asked, an_alert("world"), NOON), range(4)))

    assert len({alert.id for alert, _ in answers}) == 1
    assert [fresh for _, fresh in answers].count(True) == 1
    assert access.alerts() == 1


def test_a_key_is_each_operators_own_and_forgotten_after_a_day(
    access: Access, operators: OperatorStore, ada: Operator
) -> None:
    requests, bea = access.requests, operators.add("Bea", "hash", Role.EDITOR, NOON)
    requests.accept_once(IdempotentRequest(ada.id, "key-1", b"digest"), an_alert("world"), NOON)

    assert requests.accept_once(IdempotentRequest(bea.id, "key-1", b"digest"), an_alert("world"), NOON)[1]
    assert requests.accept_once(IdempotentRequest(ada.id, "key-1", b"digest"), an_alert("world"), NOON + DAY)[1]
