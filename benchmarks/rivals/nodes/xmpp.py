"""One XMPP client (slixmpp) that obeys lines of JSON (see ../driven.py): `xmpp.py NUMBER PORT KEYS`.

With a folder for KEYS, its texts are end to end encrypted (OMEMO); "-" is none.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from slixmpp import JID, ClientXMPP

NUMBER, PORT, KEYS = sys.argv[1], int(sys.argv[2]), sys.argv[3]
ENCRYPTED = KEYS != "-"
PAGE = 250  # texts of an archive; prosody gives no more at once


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


if ENCRYPTED:
    from omemo.storage import Just, Nothing, Storage
    from slixmpp.plugins import register_plugin
    from slixmpp_omemo import XEP_0384, TrustLevel

    class Keys(Storage):
        """A file for each key, written without waiting for the disk."""

        def _file(self, name: str) -> Path:
            return Path(KEYS) / quote(name, safe="")

        async def _load(self, key: str) -> Any:
            file = self._file(key)
            return Just(json.loads(file.read_text())) if file.exists() else Nothing()

        async def _store(self, key: str, value: Any) -> None:
            file = self._file(key)
            file.with_suffix(".new").write_text(json.dumps(value))
            file.with_suffix(".new").replace(file)

        async def _delete(self, key: str) -> None:
            self._file(key).unlink(missing_ok=True)

    class Omemo(XEP_0384):
        """Trusts whatever device it meets."""

        name = "xep_0384"

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._keys = Keys()

        @property
        def storage(self) -> Storage:
            return self._keys

        @property
        def _btbv_enabled(self) -> bool:
            return True

        async def _prompt_manual_trust(self, manually_trusted: Any, identifier: Any) -> None:
            manager = await self.get_session_manager()
            for device in manually_trusted:
                await manager.set_trust(device.bare_jid, device.identity_key, TrustLevel.TRUSTED.value)

    register_plugin(Omemo)


class Client(ClientXMPP):
    """Sends texts that ask for receipts, and answers those of others."""

    def __init__(self) -> None:
        self.me = f"u{NUMBER}@localhost"
        super().__init__(f"{self.me}/bench", "secret")
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        for plugin in ("0030", "0045", "0184", "0199", "0198", "0313"):
            self.register_plugin(f"xep_{plugin}")
        if ENCRYPTED:
            self.register_plugin("xep_0384", module=sys.modules[__name__])
        self["xep_0184"].auto_ack = False
        self.texts: list[tuple[int, int]] = []
        self.receipts = 0
        self.news = asyncio.Event()
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("message", self.take)
        self.add_event_handler("receipt_received", self.receipt)

    async def begin(self, _: object) -> None:
        self.send_presence()
        await self.get_roster()
        if ENCRYPTED:
            await self["xep_0384"].get_session_manager()
        say(**{"is": "ready"}, id=self.me)

    async def opened(self, message: Any) -> str:
        """The text of a message."""
        if ENCRYPTED and self["xep_0384"].is_encrypted(message):
            message, _ = await self["xep_0384"].decrypt_message(message)
        return str(message["body"])

    async def take(self, message: Any) -> None:
        mine = message["type"] == "groupchat" and message["mucnick"] == f"u{NUMBER}"
        if mine or message["type"] not in ("chat", "normal", "groupchat"):
            return
        sent = (await self.opened(message)).split(" ", 1)[0]
        if sent.isdecimal():
            self.texts.append((int(sent), time.monotonic_ns()))
            if message["request_receipt"]:
                self["xep_0184"].ack(message)

    def receipt(self, _: object) -> None:
        self.receipts += 1
        self.news.set()

    async def until(self, receipts: int) -> None:
        while self.receipts < receipts:
            self.news.clear()
            await self.news.wait()

    async def text(self, to: str, readers: set[JID], kind: str = "chat", *, receipt: bool = False) -> None:
        """Send one text, which only `readers` can open."""
        body = f"{time.monotonic_ns()} ".ljust(200, "x")
        message = self.make_message(mto=to, mbody=body, mtype=kind)
        if ENCRYPTED:
            message.set_from(self.boundjid)
            message, errors = await self["xep_0384"].encrypt_message(message, readers)
            if message is None or errors:
                raise RuntimeError(f"not encrypted: {errors}")
        if receipt:
            message["request_receipt"] = True
        message.send()

    async def send_texts(self, order: dict[str, Any]) -> dict[str, Any]:
        to, self.receipts, began = order["to"], 0, time.perf_counter()
        for number in range(order["count"]):
            await self.until(number - order["window"] + 1)
            await self.text(to, {JID(to)}, receipt=True)
            if order["pause"]:
                await asyncio.sleep(order["pause"] / 1000)
            elif number % 20 == 0:
                await asyncio.sleep(0)
        await self.until(order["count"])
        return {"seconds": time.perf_counter() - began}

    async def nudge(self, order: dict[str, Any]) -> None:
        await self.text(order["to"], {JID(order["to"])})

    async def archive(self, order: dict[str, Any]) -> None:
        for number in range(order["count"]):
            await self.nudge(order)
            if number % 50 == 49:
                await self["xep_0199"].send_ping(JID("localhost"), timeout=60)
        await self["xep_0199"].send_ping(JID("localhost"), timeout=60)

    async def missed(self, order: dict[str, Any]) -> dict[str, Any]:
        began, count, page = time.perf_counter(), 0, {"max": str(PAGE)}
        while count < order["count"]:
            answer = await self["xep_0313"].retrieve(with_jid=JID(order["from"]), rsm=page, timeout=60)
            found = answer["mam"]["results"]
            if not found:
                break
            for one in found:
                body = await self.opened(one["mam_result"]["forwarded"]["stanza"])
                count += body[:10].isdecimal()
            page = {"max": str(PAGE), "after": answer["mam_fin"]["rsm"]["last"]}
        return {"count": count, "seconds": time.perf_counter() - began}

    async def join(self, order: dict[str, Any]) -> None:
        await self["xep_0045"].join_muc_wait(JID(order["room"]), f"u{NUMBER}", maxstanzas=0, timeout=30)

    async def publish(self, order: dict[str, Any]) -> None:
        readers = {JID(member) for member in order["members"]}
        for _ in range(order["count"]):
            await self.text(order["to"], readers, "groupchat")
            await asyncio.sleep(order["pause"] / 1000)

    async def took(self, _: object) -> dict[str, Any]:
        found, self.texts = self.texts, []
        return {"texts": found}

    async def devices(self, order: dict[str, Any]) -> None:
        """Learn whom to encrypt for."""
        await self["xep_0384"].refresh_device_lists({JID(one) for one in order["of"]})


async def main() -> None:
    logging.disable(logging.CRITICAL)
    client = Client()
    orders = {
        "send": client.send_texts,
        "nudge": client.nudge,
        "archive": client.archive,
        "missed": client.missed,
        "join": client.join,
        "publish": client.publish,
        "took": client.took,
        "devices": client.devices,
    }
    client.connect("127.0.0.1", PORT)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        order = json.loads(line)
        say(**{"is": "done"}, **(await orders[order["do"]](order) or {}))


if __name__ == "__main__":
    asyncio.run(main())
