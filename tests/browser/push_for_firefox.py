"""A push service as Firefox knows it: autopush's WebSocket on one side, RFC 8030 on the other."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from tests.browser.background import Background
from tests.browser.push_rules import Refusal, check_push, from_base64url, to_base64url

DECRYPTED = 100  # the code in Firefox's ack of a message that it could open


@dataclass
class Channel:
    """One subscription: which browser has it, and the application server key that it is bound to."""

    browser: str
    token: str
    key: bytes


class FirefoxPush:
    """Runs until `stop`. `statuses` are the answers to pushes, `acks` what Firefox said of what it got."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.acks: list[int] = []
        self.reasons: list[str] = []
        self._connected: dict[str, web.WebSocketResponse] = {}
        self._channels: dict[str, Channel] = {}
        self._ended: set[str] = set()
        self._background = Background()
        app = web.Application()
        app.router.add_get("/", self._websocket)
        app.router.add_post("/wpush/v2/{token}", self._push)
        self.port = self._background.serve(app)
        self.origin = f"http://127.0.0.1:{self.port}"
        self.websocket_url = f"ws://127.0.0.1:{self.port}/"

    def stop(self) -> None:
        """Close every connection."""
        self._background.stop()

    @property
    def subscriptions(self) -> int:
        """How many subscriptions browsers have now."""
        return len(self._channels)

    @property
    def last(self) -> tuple[str, str, str]:
        """The newest message: browser, channel, and what was sealed for it."""
        return self._last

    def push_again(self, message: tuple[str, str, str] | None = None) -> None:
        """Send a message once more, the newest one or an earlier one, as a server does that was killed."""
        self._background.run(self._deliver(*(message or self._last)))

    # --- towards the browser

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("push-notification",))
        await socket.prepare(request)
        browser = ""
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                message = frame.json()
                if message.get("messageType") == "hello":
                    browser = self._hello(message)
                    self._connected[browser] = socket
                await self._answer(socket, browser, message)
        if self._connected.get(browser) is socket:
            del self._connected[browser]
        return socket

    def _hello(self, message: dict[str, Any]) -> str:
        known = {channel.browser for channel in self._channels.values()}
        # A browser whose id is not known gets a new one, and drops the subscriptions it had.
        return str(message["uaid"]) if message.get("uaid") in known else uuid.uuid4().hex

    async def _answer(self, socket: web.WebSocketResponse, browser: str, message: dict[str, Any]) -> None:
        match message.get("messageType"):
            case "hello":
                await socket.send_json(
                    {"messageType": "hello", "uaid": browser, "status": 200, "use_webpush": True, "broadcasts": {}}
                )
            case "register":
                await socket.send_json(self._register(browser, message["channelID"], message.get("key") or ""))
            case "unregister":
                channel = self._channels.pop(message["channelID"], None)
                if channel:
                    self._ended.add(channel.token)
                await socket.send_json({"messageType": "unregister", "channelID": message["channelID"], "status": 200})
            case "ack":
                self.acks += [update["code"] for update in message["updates"]]
            case "ping" | None:
                await socket.send_str("{}")

    def _register(self, browser: str, channel_id: str, key: str) -> dict[str, Any]:
        channel = self._channels[channel_id] = Channel(browser, uuid.uuid4().hex, from_base64url(key))
        endpoint = f"{self.origin}/wpush/v2/{channel.token}"
        return {"messageType": "register", "channelID": channel_id, "status": 200, "pushEndpoint": endpoint}

    # --- towards the application server

    async def _push(self, request: web.Request) -> web.Response:
        token, body = request.match_info["token"], await request.read()
        try:
            channel_id, channel = self._channel(token)
            check_push(request.headers, body, self.origin, channel.key)
        except Refusal as refusal:
            self.statuses.append(refusal.status)
            self.reasons.append(str(refusal))
            return web.Response(status=refusal.status)
        self._last = (channel.browser, channel_id, to_base64url(body))
        await self._deliver(*self._last)
        self.statuses.append(201)
        return web.Response(status=201, headers={"Location": f"{self.origin}/m/{uuid.uuid4().hex}", "TTL": "0"})

    def _channel(self, token: str) -> tuple[str, Channel]:
        if token in self._ended:
            raise Refusal(410, "the browser ended this subscription")
        for channel_id, channel in self._channels.items():
            if channel.token == token:
                return channel_id, channel
        raise Refusal(404, "there never was such a subscription")

    async def _deliver(self, browser: str, channel_id: str, data: str) -> None:
        socket = self._connected.get(browser)
        if socket is not None:
            # Firefox drops a version that it has seen, so each delivery needs its own.
            await socket.send_json(
                {
                    "messageType": "notification",
                    "channelID": channel_id,
                    "version": uuid.uuid4().hex,
                    "data": data,
                    "headers": {"encoding": "aes128gcm"},
                }
            )
