"""One XMPP client (slixmpp) that obeys lines of JSON: `python xmpp.py NAME PORT`."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from typing import Any

from slixmpp import ClientXMPP


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


class Client(ClientXMPP):
    """Sends texts that ask for receipts, and answers those of others."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}@localhost/bench", "secret")
        self.name_ = name
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        for plugin in ("xep_0030", "xep_0184", "xep_0199", "xep_0198"):
            self.register_plugin(plugin)
        self.took: list[float] = []
        self.receipts = 0
        self.news = asyncio.Event()
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("message", self.take)
        self.add_event_handler("receipt_received", self.receipt)

    async def begin(self, _: object) -> None:
        self.send_presence()
        await self.get_roster()
        say(**{"is": "ready"}, id=f"{self.name_}@localhost")

    def take(self, message: Any) -> None:
        if message["type"] in ("chat", "normal") and message["body"]:
            self.took.append((time.monotonic_ns() - int(message["body"].split(" ", 1)[0])) / 1e9)

    def receipt(self, _: object) -> None:
        self.receipts += 1
        self.news.set()

    async def until(self, receipts: int) -> None:
        while self.receipts < receipts:
            self.news.clear()
            await self.news.wait()

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["do"] == "took":
            took, self.took = self.took, []
            return {"seconds": took}
        self.receipts, began = 0, time.perf_counter()
        for number in range(order["count"]):
            await self.until(number - order["window"] + 1)
            text = f"{time.monotonic_ns()} ".ljust(200, "x")
            message = self.make_message(mto=order["to"], mbody=text, mtype="chat")
            message["request_receipt"] = True
            message.send()
            if order["pause"]:
                await asyncio.sleep(order["pause"] / 1000)
            elif number % 20 == 0:
                await asyncio.sleep(0)
        await self.until(order["count"])
        return {"seconds": time.perf_counter() - began}


async def main() -> None:
    client = Client(sys.argv[1])
    client.connect("127.0.0.1", int(sys.argv[2]))
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        say(**{"is": "done"}, **await client.obey(json.loads(line)))


asyncio.run(main())
