"""The whole service, from its settings to its last answer: what `notifier run` runs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from notifier.config.settings import Settings, listed
from notifier.engine.engine import ProcessRole
from notifier.errors import ConfigError
from notifier.storage.health import TroubleHealth
from notifier.storage.run_lock import sole_service
from notifier.telemetry import Metrics
from notifier.troubles import Troubles
from notifier.web.app import build_app
from notifier.web.connections import Gate, PortSettings
from notifier.web.peers import Peers
from notifier.web.protocol import guarded, trusted_by
from notifier.web.requests import Requests
from notifier.web.streams import Streams
from notifier.wiring.descriptors import connections_within, raise_descriptor_limit
from notifier.wiring.facts import facts
from notifier.wiring.leaving import LEAVE_S, Leaving
from notifier.wiring.parts import make_clock, opened_database, vapid_key
from notifier.wiring.service import Files, Service


async def serve(
    settings: Settings, announce: Callable[[str, dict[str, str]], None], role: ProcessRole = ProcessRole.ALL
) -> None:
    """Run the service, or the part that is `role`, until it is told to stop. Raises ConfigError before it starts.

    `announce` is called with the address and a few facts once the service is about to answer.
    """
    metrics, troubles = Metrics(), Troubles()
    files = Files.of(settings, metrics)
    descriptors = raise_descriptor_limit()
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(listen(settings.host, settings.port))
        if settings.database_file is not None:
            settings.database_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(sole_service(settings.database_file))
        vapid_key(settings)  # made now, if there is none
        database = stack.enter_context(opened_database(settings))
        database.health = TroubleHealth(troubles)
        service = Service(settings, files, database, metrics, make_clock(settings), role, troubles)
        service.clock_steps.take_over()
        heartbeat = service.heartbeat
        if heartbeat is not None:
            heartbeat.start()
            stack.callback(heartbeat.stop, LEAVE_S)
        stack.callback(service.watch.end)
        stack.callback(service.tester_threads.shutdown, cancel_futures=True)
        stack.callback(service.receipt_counter.hand_over)  # what was told since the last second
        poller, websub = (None, None) if role is ProcessRole.WORK else await service.enter_poller(stack)
        await service.enter_pictures(stack)
        pipeline = service.pipeline(poller, websub)
        app = build_app(service.web_services(websub))
        requests = Requests(app)
        port = PortSettings(most=connections_within(descriptors, settings.connections))
        server = web_server(requests, app.state.streams, list(listed(settings.proxies)), port, service.troubles)
        announce(f"http://{settings.host}:{listening.getsockname()[1]}", facts(service))
        working = asyncio.create_task(pipeline.run())
        leaving = Leaving(service.previews.stop, server.leave, requests.end, pipeline.stop)
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


def web_server(app: ASGIApp, streams: Streams, proxies: list[str], port: PortSettings, troubles: Troubles) -> WebServer:
    """The web room's server: bounded in connections and in time, with whom `proxies` name as clients."""
    gate = Gate(port, troubles)
    peers = Peers(app, proxies, troubles)
    config = uvicorn.Config(
        cast("Any", peers),
        http=guarded(gate, trusted_by(proxies)),
        ws="none",
        log_config=None,
        access_log=False,  # a line for each visitor is nobody's business
        proxy_headers=False,  # `Peers` does it, and remembers who really connected
        server_header=False,
        timeout_keep_alive=cast("int", port.idle_s),
        timeout_graceful_shutdown=5,
        # Those that wait to be let in have descriptors as soon as they are: no more than the bound leaves room for.
        backlog=min(512, port.most),
    )
    return WebServer(config, gate, peers, streams)


class WebServer(uvicorn.Server):
    """uvicorn without its own signal handlers: they would end the process before the engine gave its leases back.

    Ten times a second it looks at who has taken too long.
    """

    def __init__(self, config: uvicorn.Config, gate: Gate, peers: Peers, streams: Streams) -> None:
        super().__init__(config)
        self._gate, self._peers, self._streams = gate, peers, streams

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Take no signal."""
        return nullcontext()

    def leave(self) -> None:
        """Answer what is under way, then return from `serve`."""
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Called by the server every tenth of a second."""
        self._gate.sweep()
        self._peers.tidy()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, which nothing else would, and what only waits; answer what is under way."""
        self._streams.end()
        self._gate.end_all(but_answers=True)
        await super().shutdown(sockets)
        self._gate.end_all()
