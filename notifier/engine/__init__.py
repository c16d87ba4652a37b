"""Who runs chunks: the threads of this process, or workers behind a broker. The database holds the truth either way.

Enters: accepted chunks and retries, claimed in the database. Leaves: outcomes, settled there.

In order: `engine` (what an engine is), `local` (threads) or `broker` (RabbitMQ wakes), `run` (one chunk), `courier`
(payload, seal, send), `judge` (counted, retried or let go), `backoff`.

- `pauses` and `refusals`: whose fault a service's no is; `sealing`: quiet minutes; `pulse`: which processes live
- `trial`: one alert to oneself
"""
