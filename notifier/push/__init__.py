"""Seal, sign and send (RFC 8291, 8292, 8030): what a chunk of subscribers becomes on the wire, and what came of it."""
