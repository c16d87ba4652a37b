"""The only place that constructs: settings in, a running house out.

`parts` gives the command line what it asks of the same house, `house` is one running service, `serve` runs it.
"""
