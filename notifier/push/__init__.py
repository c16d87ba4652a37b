"""Seal, sign and send (RFC 8291, 8292, 8030): what a chunk of subscribers becomes on its way, and what came of it.

Enters: payloads, subscribers' keys and our own. Leaves: an `Outcome` for each push; who asks is engine.

A push, in order: `envelope` (sealed ahead) or `seal` (by pywebpush), `vapid` and `contact` (who sends), `request`,
`transport` (what a transport is), `http2` (the transport), `curl_transport` (the other, for services without HTTP/2),
`outcome` (what it means).

- the pace of each service: `pacing` and `bucket` (pure), `paced_transport`, `bounded_dict`
- keys: `keyring`, `adopt`
"""
