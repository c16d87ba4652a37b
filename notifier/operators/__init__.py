"""Who may change what: operators, their roles and sessions, and the changes that they made."""
