"""From a feed's address to clean items: when to ask, how to ask, how to read, what is new."""
