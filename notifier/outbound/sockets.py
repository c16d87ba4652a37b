"""The sockets that libcurl connects with: each is asked of the address guard, for the very address that it goes to.

libcurl calls `GuardedSockets` (OPENSOCKETFUNCTION) after it has looked a name up, for each address that it tries.
"""

from __future__ import annotations

import socket

import pycurl

from notifier.outbound.addresses import AddressGuard

_Address = tuple[int, int, int, tuple[str, int]]
"""Family, type, protocol, and the socket address, as pycurl gives them."""


class GuardedSockets:
    """Those of one handle. `begin` for each exchange and `settle` after it."""

    def __init__(self) -> None:
        self._guard: AddressGuard | None = AddressGuard()
        self._lent: list[socket.socket] = []
        self.refused: str | None = None
        """Why no socket was opened, where the guard refused every address."""
        self.error: OSError | None = None
        """What the operating system said when no socket could be made."""

    def begin(self, guard: AddressGuard | None) -> None:
        """A new exchange, of which `guard` sees each address; None: only the operator's proxy is connected to."""
        self._guard = guard
        self.refused = self.error = None

    def __call__(self, _purpose: int, address: _Address) -> socket.socket | int:
        family, kind, protocol, where = address
        refusal = self._guard.refusal(*where[:2]) if self._guard is not None else None
        if refusal is not None:
            self.refused = refusal if not self._lent else None
            return int(pycurl.SOCKET_BAD)
        try:
            opened = socket.socket(family, kind, protocol)
        except OSError as error:  # no descriptor is left
            self.error = error
            return int(pycurl.SOCKET_BAD)
        self.refused = None
        self._lent.append(opened)
        return opened

    def settle(self) -> None:
        """Close ours: pycurl has made a duplicate of each for libcurl."""
        while self._lent:
            self._lent.pop().close()
