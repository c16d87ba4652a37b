"""One command a figure, each with its peers in the same run; each prints one JSON line."""
