"""Constructs the service: settings in, a running service out.

Enters: `Settings` and the operators' files. Leaves: the service, until it is told to stop.

In order: `parts` and `operations` (what the command line asks for as well), `descriptors` (how much this machine
bears), `service` (one running service), `jobs` (what it does by the clock), `clock_steps` (when that is set), `console`
(what operators do with it), `facts` (what it says of itself), `troubles` (what is wrong), `serve` (runs it), `leaving`
(ends it).
Beside it, a command constructs the store that it asks, and `web.app` what lives as long as the application.
"""
