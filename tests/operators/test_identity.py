"""Who somebody that a provider signed in is, and what claims give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from notifier.errors import ConfigError
from notifier.operators.identity import Admit, Identity, Linked, Turned, admit, role_by_claims, role_rules
from notifier.operators.operator import Operator, Role
from notifier.operators.token import TokenScope, allowed, digest_of, new_secret
from tests.contracts.samples import NOON

BEA = Operator(1, "bea@news.example", Role.EDITOR, NOON)
WHO = Identity("https://login.example", "1234", "bea@news.example", {"groups": ["news"]})
RULES = role_rules("groups:news=editor, groups:desk=admin, staff:yes=viewer")


def decided(who: Identity = WHO, **more: Any) -> Admit | Turned:
    known = {"linked": None, "named": None, "rules": (), "named_is_taken": False} | more
    return admit(who, **known)


def test_the_account_counts_whatever_its_address_and_groups_are() -> None:
    stranger = replace(WHO, email=None, claims={})

    assert decided(stranger, linked=Linked(BEA, managed=False), rules=RULES) == Admit(BEA, Role.EDITOR)


def test_an_operator_who_was_made_beforehand_keeps_the_role_they_were_given() -> None:
    assert decided(named=BEA, rules=role_rules("groups:news=admin")) == Admit(BEA, Role.EDITOR, link=True)


def test_a_name_that_belongs_to_another_account_is_not_taken_over() -> None:
    assert isinstance(decided(named=BEA, named_is_taken=True, rules=RULES), Turned)


def test_without_a_rule_nobody_is_made() -> None:
    assert isinstance(decided(), Turned)
    assert decided(rules=RULES) == Admit(None, Role.EDITOR, link=True, managed=True)


def test_whoever_lost_every_group_may_not_stay() -> None:
    turned = decided(replace(WHO, claims={}), linked=Linked(BEA, managed=True), rules=RULES)

    assert isinstance(turned, Turned)
    assert turned.ends_sessions


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"groups": ["news", "desk"]}, Role.ADMIN),
        ({"groups": "news"}, Role.EDITOR),
        ({"staff": "yes", "groups": ["other"]}, Role.VIEWER),
        ({"groups": ["newsroom"]}, None),
        ({"groups": {"news": True}}, None),
        ({"groups": [["news"], None, 7]}, None),
        ({"staff": True}, None),
        ({}, None),
    ],
)
def test_the_highest_role_that_a_claim_gives(claims: dict[str, Any], role: Role | None) -> None:
    assert role_by_claims(replace(WHO, claims=claims), RULES) is role


@pytest.mark.parametrize("text", ["groups:news", "news=editor", "groups:news=king", ":news=editor", "groups:=editor"])
def test_a_rule_that_gives_nobody_a_role_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="claim:value=role"):
        role_rules(text)


def test_a_secret_is_long_marked_and_known_by_its_digest_only() -> None:
    secret = new_secret()

    assert len(secret) == len("notifier_") + 43
    assert digest_of(secret) not in (None, digest_of(new_secret()))
    for other in ("", secret[:-1], secret + "A", secret.replace("notifier_", ""), secret + "\n"):
        assert digest_of(other) is None


def test_a_role_gives_away_what_it_has() -> None:
    assert allowed(TokenScope, Role.VIEWER) == frozenset({TokenScope.READ})
    assert allowed(TokenScope, Role.EDITOR) == frozenset(TokenScope) - {TokenScope.OPERATORS}
    assert allowed(TokenScope, Role.ADMIN) == frozenset(TokenScope)
