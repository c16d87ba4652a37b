"""Roles, passwords and what a change says."""

from __future__ import annotations

import pytest

from notifier.errors import PasswordRefused
from notifier.operators.change import Written, difference
from notifier.operators.operator import Role
from notifier.operators.password import fits, hash_password


def test_a_role_may_do_what_those_before_it_may() -> None:
    assert [needed for needed in Role if Role.EDITOR.may(needed)] == [Role.VIEWER, Role.EDITOR]


def test_a_password_fits_its_own_hash_only() -> None:
    stored = hash_password("four words will do")

    assert "four words" not in stored
    assert fits("four words will do", stored)
    assert not fits("four words won't do", stored)


def test_nobody_has_a_password_that_fits() -> None:
    assert not fits("nobody has this password", None)


def test_a_short_password_is_refused() -> None:
    with pytest.raises(PasswordRefused, match="12 characters"):
        hash_password("elevenchars")


def test_a_version_changes_with_every_character() -> None:
    assert Written("a: 1\n").version != Written("a: 1 \n").version


def test_a_difference_says_what_went_and_what_came() -> None:
    assert difference("a\nb\n", "a\nc\n") == ["@@ -1,2 +1,2 @@", " a", "-b", "+c"]
