"""A desktop's notification server on a D-Bus of its own: what browsers show, and clicks that count as a person's.

Speaks the Desktop Notifications Specification 1.2 as far as browsers use it. Stock Firefox finds it through libnotify,
stock Chromium by itself, both by `DBUS_SESSION_BUS_ADDRESS`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from dbus_fast import BusType
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusDict, DBusInt32, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

from tests.browser.background import Background, until

NAME = "org.freedesktop.Notifications"
CLOSED_BY_PERSON, CLOSED_BY_PROGRAM = 2, 3

DBusNothing = Annotated[None, DBusSignature("")]
DBusStrings = Annotated[list[str], DBusSignature("as")]
DBusAbout = Annotated[list[str], DBusSignature("ssss")]
DBusClosed = Annotated[list[int], DBusSignature("uu")]
DBusInvoked = Annotated[list[object], DBusSignature("us")]


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification as a browser asked for it. `actions` are keys with labels."""

    number: int
    title: str
    body: str
    actions: dict[str, str]
    silent: bool


class Notifications(ServiceInterface):
    """org.freedesktop.Notifications."""

    def __init__(self) -> None:
        super().__init__(NAME)
        self.on_screen: dict[int, Notice] = {}
        self.shown: list[Notice] = []

    @dbus_method()
    def Notify(  # noqa: N802 - D-Bus's own name, as those below
        self,
        app: DBusStr,
        replaces: DBusUInt32,
        icon: DBusStr,
        summary: DBusStr,
        body: DBusStr,
        actions: DBusStrings,
        hints: DBusDict,
        timeout: DBusInt32,
    ) -> DBusUInt32:
        """Show it, in the place of the one that it `replaces`."""
        number = replaces or len(self.shown) + 1
        silent = "suppress-sound" in hints and bool(hints["suppress-sound"].value)
        named = dict(zip(actions[::2], actions[1::2], strict=True))
        notice = Notice(number, summary, body, named, silent)
        self.on_screen[number] = notice
        self.shown.append(notice)
        return number

    @dbus_method()
    def CloseNotification(self, number: DBusUInt32) -> DBusNothing:  # noqa: N802
        """The program takes it back."""
        self.on_screen.pop(number, None)
        self.NotificationClosed(number, CLOSED_BY_PROGRAM)

    @dbus_method()
    def GetCapabilities(self) -> DBusStrings:  # noqa: N802
        """Plain text and buttons: no markup, so that bodies come as they are."""
        return ["actions", "body", "persistence"]

    @dbus_method()
    def GetServerInformation(self) -> DBusAbout:  # noqa: N802
        """Name, vendor, version, version of the specification."""
        return ["desktop", "tests", "1", "1.2"]

    @dbus_signal()
    def NotificationClosed(self, number: int, reason: int) -> DBusClosed:  # noqa: N802
        """It is gone from the screen."""
        return [number, reason]

    @dbus_signal()
    def ActionInvoked(self, number: int, key: str) -> DBusInvoked:  # noqa: N802
        """A person pressed one of its buttons, or (`default`) the notification itself."""
        return [number, key]


class Desktop:
    """Runs until `stop`; browsers started with `environment` show their notifications here."""

    def __init__(self, daemon: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="desktop-")
        path = Path(self._folder.name) / "bus"
        self._address = f"unix:path={path}"
        self.environment = {"DBUS_SESSION_BUS_ADDRESS": self._address}
        self._daemon = subprocess.Popen([daemon, "--session", f"--address={self._address}", "--nofork", "--nopidfile"])
        until(path.exists, "the D-Bus daemon to listen")
        self._background = Background()
        self._server = self._background.run(self._serve())

    def stop(self) -> None:
        """End the bus, and with it whatever it carries."""
        self._background.run(self._hang_up())
        self._background.stop()
        self._daemon.terminate()
        self._daemon.wait(20)
        self._folder.cleanup()

    def on_screen(self) -> list[Notice]:
        """The notifications that can be seen now, oldest first."""
        return list(self._server.on_screen.values())

    def shown(self, title: str) -> Notice | None:
        """The newest with this title that was ever on the screen."""
        return next((notice for notice in reversed(self._server.shown) if notice.title == title), None)

    def click(self, notice: Notice, key: str = "default") -> None:
        """Press the notification, or one of its buttons, as a person does."""
        self._background.run(self._press(notice, key))

    def dismiss_all(self) -> None:
        """Close everything, as a person does."""
        self._background.run(self._dismiss())

    async def _serve(self) -> Notifications:
        server = Notifications()
        self._bus = await MessageBus(bus_address=self._address, bus_type=BusType.SESSION).connect()
        self._bus.export("/org/freedesktop/Notifications", server)
        await self._bus.request_name(NAME)
        return server

    async def _press(self, notice: Notice, key: str) -> None:
        self._server.ActionInvoked(notice.number, key)
        self._server.on_screen.pop(notice.number, None)
        self._server.NotificationClosed(notice.number, CLOSED_BY_PERSON)

    async def _dismiss(self) -> None:
        for number in list(self._server.on_screen):
            del self._server.on_screen[number]
            self._server.NotificationClosed(number, CLOSED_BY_PERSON)

    async def _hang_up(self) -> None:
        self._bus.disconnect()


def with_desktop(desktop: Desktop | None) -> dict[str, str]:
    """The environment of a browser's process; without a desktop it must not find the machine's own."""
    own = {name: value for name, value in os.environ.items() if name != "DBUS_SESSION_BUS_ADDRESS"}
    return own | (desktop.environment if desktop else {})
