"""WebDriver BiDi (W3C): JSON commands over a WebSocket, each answered under its number."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from tests.browser.background import Background

COMMAND_S = 45


class BiDi:
    """A connection to a browser that listens at `address`; `close` ends it."""

    def __init__(self, address: str) -> None:
        self._sent = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._background = Background()
        self._background.run(self._connect(address))

    def command(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """One command and its result. Raises RuntimeError with what the browser said."""
        answer = self._background.run(self._send(method, params))
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def evaluate(self, expression: str, context: str) -> Any:
        """The value of a JavaScript expression in a window, awaited and carried over as JSON."""
        wrapped = f"(async () => JSON.stringify(await ({expression})))()"
        params = {"expression": wrapped, "awaitPromise": True, "target": {"context": context}}
        answer = self.command("script.evaluate", params)
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value") or "null")

    def close(self) -> None:
        """Hang up."""
        self._background.run(self._disconnect())
        self._background.stop()

    async def _connect(self, address: str) -> None:
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(address, max_msg_size=0)
        self._reader = asyncio.create_task(self._read())

    async def _disconnect(self) -> None:
        await self._socket.close()
        await self._http.close()

    async def _read(self) -> None:
        async for frame in self._socket:
            message = frame.json()
            waiting = self._waiting.pop(message.get("id"), None)
            if waiting is not None:
                waiting.set_result(message)

    async def _send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._sent += 1
        number = self._sent
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return await asyncio.wait_for(waiting, COMMAND_S)
