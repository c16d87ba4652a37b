"""The operators' console: pages rendered on the server, for people who have signed in."""
