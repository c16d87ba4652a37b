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
from notifier.storage.health import TroubleHealth
from notifier.storage.run_lock import sole_service
from notifier.telemetry import Metrics
from notifier.troubles import Troubles
from notifier.web.app import build_app
from notifier.web.requests import Requests
from notifier.wiring.house import Files, House
from notifier.wiring.leaving import LEAVE_S, Leaving
from notifier.wiring.parts import make_clock, open_database, vapid_key


async def serve(settings: Settings, announce: Callable[[str, dict[str, str]], None], role: Role = Role.ALL) -> None:
    """Run the service, or the part that is `role`, until it is told to stop. Raises ConfigError before it starts.

    `announce` is called with the address and a few facts once the service is about to answer.
    """
    metrics, troubles = Metrics(), Troubles()
    files = Files.of(settings, metrics)
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(listen(settings.host, settings.port))
        if settings.database_file is not None:
            settings.database_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(sole_service(settings.database_file))
        vapid_key(settings)  # made now, if there is none
        database = open_database(settings)
        stack.callback(database.close)
        database.health = TroubleHealth(troubles)
        house = House(settings, files, database, metrics, make_clock(settings), role, troubles)
        house.take_over()
        pulse = house.pulse
        if pulse is not None:
            pulse.start()
            stack.callback(pulse.stop, LEAVE_S)
        stack.callback(house.watch.end)
        stack.callback(house.trials.shutdown, cancel_futures=True)
        stack.callback(house.receipt_desk.hand_over)  # what was told since the last second
        poller, websub = (None, None) if role is Role.WORK else await house.enter_poller(stack)
        await house.enter_pictures(stack)
        pipeline = house.pipeline(poller, websub)
        app = build_app(house.web_services(websub))
        house.set_back.append(app.state.rates.forget)
        requests = Requests(app)
        server = WebServer(
            uvicorn.Config(
                requests,
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
        leaving = Leaving(app.state.previews.stop, server.leave, requests.end, pipeline.stop)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, leaving.told, number)
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
