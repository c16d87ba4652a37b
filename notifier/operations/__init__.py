"""What operators do: each verb once, under every surface.

Enters: an `Actor` and what they ask for. Leaves: what came of it as a value, or an error of `errors.py` with its stable
code; rights are checked here, and what was done is kept here under the actor's name. The console, the operators' API
and the command line only read input, call, and show.

    actor.py     who asks, and what they may
    files.py     the operators' files under their lock, and the record of changes
    topics.py    topics, and rules tried on the last days (previews.py: how many at once)
    feeds.py     feeds
    alerts.py    alerts: written, let go, withdrawn, tried on one's own browser
    stories.py   an operator's word on stories
    access.py    operators, sessions, tokens, and the audit log
    system.py    how the service does, as data (service_reports.py: push services in words)
    recent.py    the last days at hand, for trials
"""
