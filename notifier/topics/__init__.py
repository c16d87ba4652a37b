"""The operator's rules: a small language, an index over all rules, and what a rule would have sent."""
