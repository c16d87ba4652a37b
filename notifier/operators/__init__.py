"""Who may change what: operators, their roles and sessions, and the changes that they made.

Enters: a name with a password, a provider's word, or a token. Leaves: an `Operator`, what they may do, and the record
of what they did.

In order: `operator` (roles, the store), `password`, `identity` (by a provider), `token` (programs), `change` (what
they changed in files), `audit` (who came in).
"""
