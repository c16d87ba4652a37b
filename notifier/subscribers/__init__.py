"""Who wants what on which screen, and whom we may push to."""
