"""From items to stories: which outlets tell one event, and whether it is breaking."""
