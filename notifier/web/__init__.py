"""The web room: the subscribers' page, its JSON API, the service worker, and what operators' tools read.

Enters: `WebServices` from wiring (`services`). Leaves: an ASGI application (`build_app` in `app`).

A request, in order: `protocol` and `connections` (the port), `peers` and `clients` (who), `requests`, `own_hosts` and
`hosts`, `security`, `under_way`, `rates`, then a route. What goes wrong is said by `errors`.

- for readers: `pages`, `templating`, `browsers`, `pictures` and `recode`, `api`, `bodies`, `tokens`, `receipts` and
  `receipt_counter`
- for operators: `console`, `operator_api`, `provider` (OpenID), `sign_ins`, `streams`; what they do is in
  `operations/`
- for machines: `health`, `hubs`, `routes`
"""
