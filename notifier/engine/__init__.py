"""Who runs chunks: the threads of this process, or workers behind a broker. The database holds the truth either way.

Enters: accepted chunks and retries, claimed in the database. Leaves: outcomes, settled there.

In order: `engine` (what an engine is), `local` (threads) or `broker` (RabbitMQ wakes), `run` (one chunk), `dispatcher`
(payload, seal, send), `outcome_policy` (counted, retried or let go), `backoff`.

- `pauses` and `refusals`: whose fault a service's no is; `sealing`: quiet minutes; `heartbeat`: which processes live
- `alert_tester`: one alert to oneself
"""
