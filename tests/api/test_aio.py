"""The client with an event loop, under trio and under asyncio, against the real server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import trio

from p2pchat.api import endpoint
from p2pchat.api import schema as s
from p2pchat.api.aio import AsyncClient
from p2pchat.errors import NetworkError, NotFoundError

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


async def converse(path: Path) -> list[str]:
    """Write three texts and read them back as events; the texts."""
    async with await AsyncClient.connect(path) as writer, await AsyncClient.connect(path) as reader:
        for text in ("one", "two", "three"):
            written = await writer.call("message.send", s.Send(chat="bob", text=text))
            assert isinstance(written, s.Message)
        found = []
        async with aclosing(reader.events(0)) as events:
            async for event in events:
                found.append(event.data["text"])
                if len(found) == 3:
                    return found
    raise AssertionError("the events ended")


async def test_it_speaks_with_the_node_under_trio(socket_path: Path) -> None:
    with trio.fail_after(20):
        assert await converse(socket_path) == ["one", "two", "three"]


async def test_it_speaks_with_the_node_under_asyncio(socket_path: Path, in_thread: InThread) -> None:
    assert await in_thread(lambda: asyncio.run(converse(socket_path))) == ["one", "two", "three"]


async def test_an_error_comes_back_as_the_class_raised_in_the_node(socket_path: Path) -> None:
    async with await AsyncClient.connect(socket_path) as client:
        with pytest.raises(NotFoundError, match="zoe"):
            await client.call("message.send", s.Send(chat="zoe", text="hi"))
        assert await client.call("chat.read", s.Chat(chat="bob")) == s.Done()


async def test_calls_of_two_tasks_take_turns(socket_path: Path) -> None:
    async with await AsyncClient.connect(socket_path) as client:

        async def send(text: str) -> None:
            answer = await client.call("message.send", s.Send(chat="bob", text=text))
            assert isinstance(answer, s.Message)
            assert answer.text == text

        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                for number in range(20):
                    nursery.start_soon(send, f"text {number}")


async def test_no_node_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="p2pchat run"):
        await AsyncClient.connect(tmp_path / "node.sock")


async def test_a_node_that_goes_away_ends_the_call_and_the_events(tmp_path: Path) -> None:
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(endpoint.listen(tmp_path / "node.sock")))
    async with listener, await AsyncClient.connect(tmp_path / "node.sock") as client:
        await (await listener.accept()).aclose()
        with trio.fail_after(20), pytest.raises(NetworkError, match="closed the connection"):
            await client.call("chat.list", s.ChatQuery())
