"""What to say, to whom and why: decisions, the alerts they become, and their delivery."""
