"""Everything that the service asks of others' servers goes through here: the one way out, and its limits.

Enters: a `Request` for a feed, a redirect's next hop, a WebSub hub, an OpenID provider or a picture, and its `Route`.
Leaves: a `Response`, or an exception that says what went wrong. No other room opens a connection to a stranger, but
for HTTP/2 to push services (push/http2), which asks the same guard; tests/outbound/test_one_way_out.py holds that.

A request, in order: `target` reads its URL, `route` chooses proxy or guard, `resolver` and `names` look its name up,
`handle` sets libcurl's options, `multi` lets libcurl work on the event loop, `sockets` asks the guard for each address,
`transfer` takes the answer within bounds, and `content` undoes its compression.

- who asks: `client` (on the event loop, with `redirects`), `blocking` (in a thread)
- what is asked and answered: `exchange`, `retry_after`
- the guard: `addresses`
"""
