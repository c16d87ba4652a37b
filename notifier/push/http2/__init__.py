"""An HTTP/2 client for one thing only: POSTing many small bodies to few services (RFC 9113). `transport` is its door.

Enters: `PushRequest`s. Leaves: an `Answer` for each, in order; what was under way on a broken connection is told
apart.

From the door inwards: `transport`, `lane` (what one service has in it), `channel` (TLS, past the address guard),
`connection` (the protocol without a socket), `header_block`, `bodies`, `frames`; `suspects` finds whose connection
died, `fallback` sends what a service takes by no HTTP/2.
"""
