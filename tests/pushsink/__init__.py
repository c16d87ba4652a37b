"""A push service for tests and benchmarks, in a process of its own (`process.PushSink` starts it).

It speaks HTTP/2 and HTTP/1.1 over TLS or plain, verifies VAPID, opens messages with an implementation that is not ours,
and chooses what it does by the path's first segment: `/410/17` answers 410 to browser 17 (`behaviour.py` lists them).
"""
