"""ruamel with bounds: a file that would take the machine's memory, time or stack to read is refused at its line.

Leaves: a `YAML` for whoever reads or rewrites an operators' file. Bounded are the depth (before anything walks the
document), what aliases stand for all together ("a billion laughs"), and that keys are text.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

MOST_CHARACTERS = 16_000_000
DEEPEST = 16
MOST_NODES = 2_000_000
"""With each alias counted as all that it stands for: a hundred thousand feeds have as many."""


def bounded_yaml() -> YAML:
    """A round-trip reader and writer, for one file: it remembers what it has read."""
    yaml = YAML(typ="rt")
    yaml.Composer = _BoundedComposer
    yaml.composer.warn_double_anchors = False  # YAML 1.2 section 3.2.2.2: the later anchor counts
    return yaml


class _BoundedComposer(Composer):
    """Counts as it composes."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self._nodes = 0
        self._stands_for: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One node and all below it."""
        event = self.parser.peek_event()
        if self.depth >= DEEPEST and not isinstance(event, AliasEvent):
            raise ComposerError(None, None, f"it is nested deeper than {DEEPEST} levels", event.start_mark)
        before = self._nodes
        node: Node = super().compose_node(parent, index)
        if isinstance(event, AliasEvent):
            if id(node) not in self._stands_for:
                raise ComposerError(None, None, "an alias stands within what it stands for", event.start_mark)
            self._nodes += self._stands_for[id(node)]
        else:
            self._nodes += 1
            self._stands_for[id(node)] = self._nodes - before
        if self._nodes > MOST_NODES:
            raise ComposerError(None, None, f"there are more than {MOST_NODES:,} values", event.start_mark)
        if isinstance(parent, MappingNode) and index is None and not isinstance(node, ScalarNode):
            raise ComposerError(None, None, "a key has to be text", event.start_mark)
        return node
