"""Real browsers against the real service, everything on loopback of a network namespace of its own."""
