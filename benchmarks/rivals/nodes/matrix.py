"""One Matrix client (matrix-nio, end to end encrypted) that obeys lines of JSON (see ../driven.py).

`matrix.py NUMBER PORT FOLDER`; its keys are in FOLDER, where it is logged in again the next time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any, TypeVar

from nio import (
    AsyncClient,
    AsyncClientConfig,
    LoginResponse,
    MegolmEvent,
    MessageDirection,
    RegisterResponse,
    RoomCreateResponse,
    RoomMessagesResponse,
    RoomMessageText,
    RoomPreset,
    RoomSendResponse,
    RoomVisibility,
    SyncResponse,
)

NUMBER, PORT, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
PAGE = 1000
T = TypeVar("T")
ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def expect(answer: Any, kind: type[T]) -> T:
    if not isinstance(answer, kind):
        raise RuntimeError(str(answer)[:300])
    return answer


class Client:
    """Sends texts to rooms and counts what comes."""

    def __init__(self) -> None:
        is_new = not FOLDER.exists()
        FOLDER.mkdir(exist_ok=True)
        self.name, self.is_new = f"u{NUMBER}", is_new
        self.nio = AsyncClient(
            f"http://127.0.0.1:{PORT}",
            f"@{self.name}:localhost",
            device_id=f"D{NUMBER}",
            store_path=str(FOLDER),
            config=AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True),
        )
        self.texts: list[tuple[int, int]] = []
        self.nio.add_event_callback(self.take, RoomMessageText)

    async def begin(self) -> None:
        if self.is_new:
            expect(await self.nio.register(self.name, "secret", f"D{NUMBER}"), RegisterResponse)
        else:
            expect(await self.nio.login("secret"), LoginResponse)
        if self.nio.should_upload_keys:
            await self.nio.keys_upload()
        newest = {"room": {"timeline": {"limit": 1}}}
        while expect(  # keys come before texts, a hundred at a time
            await self.nio.sync(timeout=0, full_state=True, sync_filter=newest), SyncResponse
        ).to_device_events:
            pass
        more = {"room": {"timeline": {"limit": PAGE}}}
        self.syncing = asyncio.create_task(
            self.nio.sync_forever(timeout=30_000, sync_filter=more, set_presence="offline")
        )
        say(**{"is": "ready"}, id=self.nio.user_id)

    async def take(self, _: object, event: Any) -> None:
        if event.sender != self.nio.user_id:
            self.texts.append((int(event.body.split(" ", 1)[0]), time.monotonic_ns()))

    async def text(self, room: str) -> None:
        content = {"msgtype": "m.text", "body": f"{time.monotonic_ns()} ".ljust(200, "x")}
        sent = await self.nio.room_send(room, "m.room.message", content, ignore_unverified_devices=True)
        expect(sent, RoomSendResponse)

    async def publish(self, order: dict[str, Any]) -> dict[str, Any]:
        room = asyncio.Semaphore(order["window"])

        async def one() -> None:
            async with room:
                await self.text(order["to"])

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(order["count"]):
                task = group.create_task(one())
                if order["window"] == 1:
                    await task
                    await asyncio.sleep(order["pause"] / 1000)
        return {"seconds": time.perf_counter() - began}

    async def nudge(self, order: dict[str, Any]) -> None:
        await self.text(order["to"])

    async def create(self, _: object) -> dict[str, Any]:
        room = await self.nio.room_create(
            visibility=RoomVisibility.private, preset=RoomPreset.public_chat, initial_state=[ENCRYPTION]
        )
        return {"room": expect(room, RoomCreateResponse).room_id}

    async def join(self, order: dict[str, Any]) -> None:
        await self.nio.join(order["room"])

    async def members(self, order: dict[str, Any]) -> dict[str, Any]:
        room = self.nio.rooms.get(order["room"])
        return {"count": len(room.users) if room and room.encrypted else 0}

    async def missed(self, order: dict[str, Any]) -> dict[str, Any]:
        """Pages backwards from the newest; texts that cannot be opened are not counted."""
        began, count, start = time.perf_counter(), 0, self.nio.next_batch
        while count < order["count"]:
            page = expect(
                await self.nio.room_messages(
                    order["room"], start, direction=MessageDirection.back, limit=PAGE
                ),
                RoomMessagesResponse,
            )
            if lost := sum(isinstance(event, MegolmEvent) for event in page.chunk):
                print(f"{lost} cannot be opened", file=sys.stderr)
            count += sum(isinstance(event, RoomMessageText) for event in page.chunk)
            if not page.end or not page.chunk:
                break
            start = page.end
        return {"count": count, "seconds": time.perf_counter() - began}

    async def took(self, _: object) -> dict[str, Any]:
        found, self.texts = self.texts, []
        return {"texts": found}


async def main() -> None:
    logging.disable(logging.CRITICAL)
    client = Client()
    orders = {
        "send": client.publish,
        "publish": client.publish,
        "archive": client.publish,
        "nudge": client.nudge,
        "create": client.create,
        "join": client.join,
        "members": client.members,
        "missed": client.missed,
        "took": client.took,
    }
    await client.begin()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        order = json.loads(line)
        say(**{"is": "done"}, **(await orders[order["do"]](order) or {}))


asyncio.run(main())
