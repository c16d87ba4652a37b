"""The web room: the subscribers' page, its JSON API, the service worker, and what operators' tools read.

Enters: `WebServices` from wiring. Leaves: an ASGI application (`app.build_app`).
"""
