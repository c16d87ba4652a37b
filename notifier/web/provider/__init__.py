"""Sign-in by an OpenID provider: the client's half of OpenID Connect Core 1.0, code flow with PKCE."""
