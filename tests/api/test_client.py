"""The blocking client against the real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import trio

from p2pchat.api import client as client_module
from p2pchat.api import endpoint, jsonrpc
from p2pchat.api import schema as s
from p2pchat.api.client import Client
from p2pchat.api.server import serve
from p2pchat.errors import NetworkError, NotFoundError, P2PChatError, UsageError

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]

HELLO = s.Send(chat="bob", text="hello")


def calling(path: Path, name: str, params: s.Params) -> Callable[[], s.Result]:
    def work() -> s.Result:
        with Client.connect(path) as client:
            return client.call(name, params)

    return work


async def test_a_result_has_the_type_of_the_table(socket_path: Path, in_thread: InThread) -> None:
    result = await in_thread(calling(socket_path, "message.send", HELLO))
    assert isinstance(result, s.Message)
    assert result.text == "hello"


async def test_an_error_comes_back_as_the_class_raised_in_the_node(
    socket_path: Path, in_thread: InThread
) -> None:
    with pytest.raises(NotFoundError, match=r"^You have no contact called 'zoe'\.$"):
        await in_thread(calling(socket_path, "message.send", s.Send(chat="zoe", text="hi")))


async def test_parameters_that_do_not_fit_are_the_callers_fault(
    socket_path: Path, in_thread: InThread
) -> None:
    with pytest.raises(UsageError, match=r"message\.send"):
        await in_thread(calling(socket_path, "message.send", s.Who(who="bob")))


async def test_a_bug_in_the_node_is_told_and_the_connection_lives_on(
    socket_path: Path, in_thread: InThread
) -> None:
    def work() -> s.Result:
        with Client.connect(socket_path) as client:
            with pytest.raises(P2PChatError, match="which is a bug") as caught:
                client.call("message.show", s.MessageId(id="x"))
            assert caught.value.exit_code == 2
            return client.call("message.send", HELLO)

    assert isinstance(await in_thread(work), s.Message)


async def test_a_long_text_goes_both_ways(socket_path: Path, in_thread: InThread) -> None:
    text = "ä€😀\n" * 50_000
    result = await in_thread(calling(socket_path, "message.send", s.Send(chat="bob", text=text)))
    assert result.text == text


async def test_a_request_above_the_limit_is_not_even_sent(socket_path: Path, in_thread: InThread) -> None:
    def work() -> s.Result:
        with Client.connect(socket_path) as client:
            with pytest.raises(UsageError, match="too long"):
                client.call("message.send", s.Send(chat="bob", text="x" * jsonrpc.MAX_LINE))
            return client.call("message.send", HELLO)

    assert isinstance(await in_thread(work), s.Message)


async def test_events_go_on_from_the_cursor(socket_path: Path, in_thread: InThread) -> None:
    def work() -> list[int]:
        with Client.connect(socket_path) as writer, Client.connect(socket_path) as follower:
            for _ in range(4):
                writer.call("message.send", HELLO)
            events = follower.events(2)
            writer.call("message.send", HELLO)
            return [event.seq for event in islice(events, 3)]

    assert await in_thread(work) == [3, 4, 5]


async def test_calls_and_events_share_a_connection(socket_path: Path, in_thread: InThread) -> None:
    def work() -> list[str]:
        with Client.connect(socket_path) as client:
            events = client.events(0)
            for text in ("one", "two", "three"):
                assert isinstance(client.call("message.send", s.Send(chat="bob", text=text)), s.Message)
            return [event.data["text"] for event in islice(events, 3)]

    assert await in_thread(work) == ["one", "two", "three"]


async def test_following_ends_at_its_deadline(socket_path: Path, in_thread: InThread) -> None:
    def work() -> list[s.Event]:
        with Client.connect(socket_path) as client:
            client.call("message.send", HELLO)
            return list(client.events(0, until=time.monotonic() + 0.1))

    assert len(await in_thread(work)) == 1


async def test_a_subscription_ended_by_the_node_is_an_error_with_its_reason(
    socket_path: Path, backend: Any, in_thread: InThread
) -> None:
    backend.cut_off_after = 0

    def work() -> None:
        with Client.connect(socket_path) as client:
            events = client.events(0)
            client.call("message.send", HELLO)
            next(events)

    with pytest.raises(NetworkError, match="You are too slow"):
        await in_thread(work)


async def test_a_node_that_dies_ends_the_call_that_waits(
    tmp_path: Path, backend: Any, in_thread: InThread
) -> None:
    path = tmp_path / "node.sock"
    async with trio.open_nursery() as nursery:
        server = trio.CancelScope()

        async def node(*, task_status: trio.TaskStatus[None]) -> None:
            with server:
                await serve(path, backend, task_status=task_status)

        await nursery.start(node)

        def work() -> None:
            with Client.connect(path) as client:
                client.call("message.send", HELLO)
                trio.from_thread.run_sync(server.cancel)
                client.call("node.ping", s.Who(who="bob"))

        with pytest.raises(NetworkError, match="closed the connection"):
            await in_thread(work)


def test_no_node_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="p2pchat run"):
        Client.connect(tmp_path / "node.sock")
    assert Client.connect_if_running(tmp_path / "node.sock") is None


def test_a_node_that_hangs_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "ANSWER_S", 0.05)
    path = tmp_path / "node.sock"
    with (
        endpoint.listen(path),
        Client.connect(path) as client,
        pytest.raises(NetworkError, match="did not answer"),
    ):
        client.call("chat.list", s.ChatQuery())


@pytest.mark.parametrize("reply", [b"220 mail.example.org ESMTP\n", b"{}\n", b"\xff\n"])
def test_something_else_behind_the_socket_is_told(tmp_path: Path, reply: bytes) -> None:
    path = tmp_path / "node.sock"
    with endpoint.listen(path) as listener:
        other = threading.Thread(target=_reply, args=(listener, reply))
        other.start()
        with Client.connect(path) as client, pytest.raises(NetworkError, match="not a p2pchat node"):
            client.call("chat.list", s.ChatQuery())
        other.join()


def test_an_unknown_class_of_error_still_tells_its_sentence(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    data = s.ErrorData(exit_code=9, error="FutureError")
    reply = jsonrpc.refusal(1, jsonrpc.Failure(jsonrpc.REFUSED, "The future is here.", data))
    with endpoint.listen(path) as listener:
        other = threading.Thread(target=_reply, args=(listener, reply))
        other.start()
        with Client.connect(path) as client, pytest.raises(P2PChatError, match="The future is here"):
            client.call("chat.list", s.ChatQuery())
        other.join()


def _reply(listener: socket.socket, reply: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(reply)
        connection.recv(65536)  # until the client hangs up
