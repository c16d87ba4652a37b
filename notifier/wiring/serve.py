"""The whole service, from its settings to its last answer: what `notifier run` runs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext

import uvicorn

from notifier.config.settings import Settings, listed
from notifier.engine.engine import Role
from notifier.errors import ConfigError
from notifier.telemetry import Metrics
from notifier.web.app import build_app
from notifier.wiring.descriptors import raise_limit
from notifier.wiring.house import Files, House
from notifier.wiring.parts import make_clock, open_database, vapid_key


async def serve(settings: Settings, announce: Callable[[str, dict[str, str]], None], role: Role = Role.ALL) -> None:
    """Run the service, or the part that is `role`, until it is told to stop. Raises ConfigError before it starts.

    `announce` is called with the address and a few facts once the service is about to answer.
    """
    raise_limit()
    metrics = Metrics()
    files = Files.of(settings, metrics)
    vapid_key(settings)  # made now, if there is none
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(listen(settings.host, settings.port))
        database = open_database(settings)
        stack.callback(database.close)
        house = House(settings, files, database, metrics, make_clock(settings), role)
        stack.callback(house.trials.shutdown, cancel_futures=True)
        stack.callback(house.receipt_desk.hand_over)  # what was told since the last second
        poller, websub = (None, None) if role is Role.WORK else await house.enter_poller(stack)
        pipeline = house.pipeline(poller, websub)
        server = WebServer(
            uvicorn.Config(
                build_app(house.web_services(websub)),
                log_config=None,
                access_log=False,  # a line for each visitor is nobody's business
                proxy_headers=True,
                forwarded_allow_ips=list(listed(settings.proxies)),
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        announce(f"http://{settings.host}:{listening.getsockname()[1]}", house.facts())
        working = asyncio.create_task(pipeline.run())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, server.leave)
        try:
            await server.serve(sockets=[listening])
        finally:
            pipeline.stop()
            await working


def listen(host: str, port: int) -> socket.socket:
    """The listening socket. Raises ConfigError where somebody else has the port."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as refused:
        fix = "Is it running already? Otherwise set NOTIFIER_PORT to a free port"
        why = os.strerror(refused.errno) if refused.errno else str(refused)
        raise ConfigError(f"{host}:{port} cannot be listened on: {why}", fix=fix) from refused


class WebServer(uvicorn.Server):
    """uvicorn without its own signal handlers: they would end the process before the engine gave its leases back."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Take no signal."""
        return nullcontext()

    def leave(self) -> None:
        """Answer what is under way, then return from `serve`."""
        self.should_exit = True
