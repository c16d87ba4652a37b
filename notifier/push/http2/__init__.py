"""An HTTP/2 client for one thing only: POSTing many small bodies to few services (RFC 9113). `wire.py` is its door."""
