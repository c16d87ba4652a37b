"""Constructs the service: settings in, a running service out.

Enters: `Settings` and the operators' files. Leaves: the service, until it is told to stop.

In order: `parts` and `operations` (what the command line asks for as well), `descriptors` (how much this machine
bears), `service` (one running service), `console` (what operators do with it), `troubles` (what is wrong), `serve`
(runs it), `leaving` (ends it).
Beside it, a command constructs the store that it asks, and `web.app` what lives as long as the application.
"""
