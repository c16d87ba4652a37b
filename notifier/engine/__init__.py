"""Who runs chunks: the threads of this process, or workers behind a broker. The database holds the truth either way.

Enters: accepted chunks and retries, claimed in the database. Leaves: outcomes, settled there.

In order: `engine` (what an engine is), `local` (threads) or `broker` (RabbitMQ wakes), `run` (one chunk), `pusher` (a
sub-batch, or a handful of retries), `dispatcher` (payload, seal, send), `outcome_policy` (counted, retried or let go),
`backoff`, `settlement` (what is written).

- `pauses` and `refusals`: whose fault a service's no is; `sealing`: quiet minutes; `heartbeat`: which processes live
- `alert_tester`: one alert to oneself
"""
