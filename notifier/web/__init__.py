"""The web room: the subscribers' page, its JSON API, the service worker, and what operators' tools read.

Enters: `WebServices` from wiring (`services`). Leaves: an ASGI application (`build_app` in `app`).

A request, in order: `protocol` and `connections` (the port), `peers` (who connects, and which proxies are trusted),
`clients` (who counts as one client), `requests` (time limits), `own_hosts` and `hosts` (the names of this site),
`security` (headers, requests of other sites), `compression`, `under_way` and `rates` (limits for each client), then a
route. What goes wrong is said by `errors`.

- for readers: `pages`, `assets` (static/), `articles` (an alert's page), `week` (the last week's alerts), `templating`,
  `browsers` (which one asks), `pictures` and `recode` (images of alerts), `api`, `bodies` (what it takes), `tokens`,
  `receipts` and `receipt_counter`
- for operators: `console`, `operator_api`, `provider` (OpenID), `sign_ins` (tries are limited), `streams` (pages that
  move); what they do is in `operations/`
- for machines: `health`, `hubs`, `routes`, `conditional` (304)
"""
