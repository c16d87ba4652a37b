"""How Sphinx builds these pages into a site: `make docs`."""

from __future__ import annotations

from notifier import __version__

project = "Notifier"
author = "the authors of Notifier"
copyright = author  # noqa: A001 - Sphinx's name for it
version = release = __version__

extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Notifier"
exclude_patterns = ["_build"]
myst_heading_anchors = 4  # links such as operating.md#health
# A link that leads nowhere, or a page in no list, fails the build: -W in the Makefile.
nitpicky = True
