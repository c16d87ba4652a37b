"""Notifier: breaking-news alerts for the browser, from feed to screen.

One item walks one way through the house: feeds, stories, topics, subscribers, alerts, push. Each room imports only the
rooms before it; storage, engine and web sit behind Protocols; wiring is the only place that constructs things.
"""

__version__ = "0.1.0"
