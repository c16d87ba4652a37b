"""Notifier: breaking-news alerts for the browser, from feed to screen.

One item walks one way through the service: feeds, stories, topics, subscribers, alerts, push. Each room imports only
the rooms before it; storage, engine and web sit behind Protocols; wiring constructs the service. Each room's
docstring is its map; docs/architecture.md tells the longest walks, file by file.
"""

__version__ = "0.1.0"
