"""Who wants what on which screen, and whom we may push to. Pure but for the stores' Protocols.

Enters: a browser's endpoint, keys and topics. Leaves: `NewSubscription` and `Subscription`, with the push service
that owns the endpoint; next room: alerts.

In order: `push_services` (how each writes its endpoints), `endpoint` (is it one), `keys` (a browser's), `subscriber`
(the subscription and its store), `exchange` (files of another provider), `audience` (counts by day).
"""
