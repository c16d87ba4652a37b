"""Sign-in by an OpenID provider: the client's half of OpenID Connect Core 1.0, code flow with PKCE.

Enters: a browser that comes back from its provider. Leaves: the account that the provider vouches for. `openid` is
the protocol, `http` asks within limits.
"""
