"""The server over real sockets, with clients that behave and clients that do not."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from p2pchat.api import connection as connection_module
from p2pchat.api import jsonrpc
from p2pchat.api.server import MAX_CONNECTIONS, serve


class Raw:
    """A client that writes what it likes."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._buffer = b""

    async def write(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def read(self) -> Any:
        """The next line as JSON; None at the end."""
        with trio.fail_after(20):
            while b"\n" not in self._buffer:
                chunk = await self.stream.receive_some(65536)
                if not chunk:
                    return None
                self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line)

    async def ask(self, method: str, params: Any = None, id: Any = 1) -> Any:
        await self.write(request(method, params, id))
        return await self.read()


def request(method: str, params: Any = None, id: Any = 1) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}}).encode() + b"\n"


def send(text: str, id: Any = 1, chat: str = "bob") -> bytes:
    return request("message.send", {"chat": chat, "text": text}, id)


@asynccontextmanager
async def connected(path: Path) -> AsyncIterator[Raw]:
    async with await trio.open_unix_socket(str(path)) as stream:
        yield Raw(stream)


async def test_a_method_of_the_table_is_answered(socket_path: Path) -> None:
    async with connected(socket_path) as client:
        answer = await client.ask("message.send", {"chat": "bob", "text": "hi"}, id="a")
    assert (answer["jsonrpc"], answer["id"], answer["result"]["text"]) == ("2.0", "a", "hi")


async def test_pipelined_requests_are_answered_in_their_order(socket_path: Path) -> None:
    async with connected(socket_path) as client:
        await client.write(b"".join(send(f"text {n}", n) for n in range(300)))
        answers = [await client.read() for _ in range(300)]
    assert [(a["id"], a["result"]["text"]) for a in answers] == [(n, f"text {n}") for n in range(300)]


async def test_refusals_keep_their_place_among_pipelined_requests(socket_path: Path) -> None:
    lines = [
        send("one", 1),
        b"nonsense\n",
        request("no.such", id=2),
        send("two", 3),
        send("?", 4, chat="eve"),
    ]
    async with connected(socket_path) as client:
        await client.write(b"".join(lines) * 50)
        answers = [await client.read() for _ in range(250)]
    assert [answer["id"] for answer in answers] == [1, None, 2, 3, 4] * 50
    assert ["error" in answer for answer in answers] == [False, True, True, False, True] * 50


async def test_a_subscription_amid_pipelined_requests_begins_at_its_place(socket_path: Path) -> None:
    async with connected(socket_path) as client:
        await client.write(
            send("before", 1) + request("events.subscribe", {"since": 0}, 2) + send("after", 3)
        )
        lines = [await client.read() for _ in range(5)]
    assert [line["id"] for line in lines if "id" in line] == [1, 2, 3]
    assert [line["params"]["seq"] for line in lines if "method" in line] == [1, 2]


async def test_a_request_may_come_in_pieces(socket_path: Path) -> None:
    async with connected(socket_path) as client:
        for byte in send("hällo"):
            await client.write(bytes([byte]))
        assert (await client.read())["result"]["text"] == "hällo"


async def test_answers_still_come_after_the_client_has_said_its_last_word(socket_path: Path) -> None:
    async with connected(socket_path) as client:
        await client.write(send("one", 1) + send("two", 2))
        await client.stream.send_eof()
        assert [(await client.read())["id"], (await client.read())["id"]] == [1, 2]
        assert await client.read() is None


async def test_a_notification_is_carried_out_and_not_answered(socket_path: Path, backend: Any) -> None:
    line = b'{"jsonrpc":"2.0","method":"message.send","params":{"chat":"bob","text":"quiet"}}\n'
    async with connected(socket_path) as client:
        await client.write(line + send("loud", 2))
        assert (await client.read())["id"] == 2
    assert [event.data["text"] for event in backend.events] == ["quiet", "loud"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"hello", jsonrpc.PARSE_ERROR),
        (b"", jsonrpc.PARSE_ERROR),
        (b"\xff\xfe\x00", jsonrpc.PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"chat.list","params":{}', jsonrpc.PARSE_ERROR),
        (b"[" * 100_000, jsonrpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"chat.list","params":' + b"[" * 100_000, jsonrpc.PARSE_ERROR),
        (b"[]", jsonrpc.INVALID_REQUEST),
        (b"7", jsonrpc.INVALID_REQUEST),
        (b'{"id":1,"method":"chat.list"}', jsonrpc.INVALID_REQUEST),
        (b'{"jsonrpc":"1.0","id":1,"method":"chat.list"}', jsonrpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":{},"method":"chat.list"}', jsonrpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', jsonrpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"no.such"}', jsonrpc.METHOD_NOT_FOUND),
        (b'{"jsonrpc":"2.0","id":1,"method":"__class__"}', jsonrpc.METHOD_NOT_FOUND),
        (b'{"jsonrpc":"2.0","id":1,"method":"message.send"}', jsonrpc.INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":1,"method":"message.send","params":["bob","hi"]}', jsonrpc.INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":1,"method":"message.send","params":null}', jsonrpc.INVALID_PARAMS),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"message.send","params":{"chat":"bob","text":7}}',
            jsonrpc.INVALID_PARAMS,
        ),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"message.send","params":{"chat":"bob","text":"","x":1}}',
            jsonrpc.INVALID_PARAMS,
        ),
    ],
)
async def test_nonsense_is_refused_in_one_sentence_and_the_connection_lives_on(
    socket_path: Path, line: bytes, code: int
) -> None:
    async with connected(socket_path) as client:
        await client.write(line + b"\n" + send("still here", 2))
        refusal = await client.read()
        assert refusal["error"]["code"] == code
        assert refusal["error"]["message"].endswith(".")
        assert "\n" not in refusal["error"]["message"]
        assert (await client.read())["result"]["text"] == "still here"


async def test_requests_with_flipped_bytes_harm_nobody(socket_path: Path) -> None:
    chance = random.Random(20_261_124)
    async with connected(socket_path) as client:
        for _ in range(500):
            line = bytearray(send("hi", chance.randrange(100)).rstrip(b"\n"))
            for _ in range(chance.randint(1, 6)):
                line[chance.randrange(len(line))] = chance.randrange(256)
            await client.write(line.replace(b"\n", b" ") + b"\n")
        await client.write(send("still here", "last"))
        answer: Any = {}
        while answer.get("id") != "last":
            answer = await client.read()
            assert ("result" in answer) != ("error" in answer)
    assert answer["result"]["text"] == "still here"


async def test_a_text_that_is_half_a_surrogate_pair_harms_nobody(socket_path: Path) -> None:
    async with connected(socket_path) as client:
        await client.write(
            rb'{"jsonrpc":"2.0","id":1,"method":"message.send","params":{"chat":"bob","text":"\ud800"}}'
            + b"\n"
        )
        assert "error" in await client.read()
        assert (await client.ask("chat.list"))["result"] == {}


async def test_an_error_of_the_node_names_its_class_and_exit_code(socket_path: Path) -> None:
    async with connected(socket_path) as client:
        await client.write(send("hi", 5, chat="zoe"))
        answer = await client.read()
    assert answer["id"] == 5
    assert answer["error"] == {
        "code": jsonrpc.REFUSED,
        "message": "You have no contact called 'zoe'.",
        "data": {"exit_code": 6, "error": "NotFoundError"},
    }


async def test_a_bug_is_logged_and_the_node_lives_on(
    socket_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(socket_path) as client:
        answer = await client.ask("message.show", {"id": "x"})
        assert answer["error"]["code"] == jsonrpc.INTERNAL_ERROR
        assert (await client.ask("chat.list"))["result"] == {}
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize("length", [jsonrpc.MAX_LINE + 1, 5 * jsonrpc.MAX_LINE])
async def test_a_line_above_the_limit_is_skipped(socket_path: Path, length: int) -> None:
    async with connected(socket_path) as client:
        await client.write(b"x" * length + b"\n" + send("after", 2))
        assert (await client.read())["error"]["code"] == jsonrpc.INVALID_REQUEST
        assert (await client.read())["result"]["text"] == "after"


async def test_the_longest_line_is_taken(socket_path: Path) -> None:
    text = "x" * (jsonrpc.MAX_LINE - len(send("")) + 1)
    line = send(text)
    assert len(line) == jsonrpc.MAX_LINE + 1  # with its end
    async with connected(socket_path) as client:
        await client.write(line)
        assert (await client.read())["result"]["text"] == text


async def test_a_client_that_breaks_off_in_mid_answer_harms_nobody(socket_path: Path) -> None:
    for _ in range(20):
        async with connected(socket_path) as rude:
            with trio.move_on_after(0.02):  # it stops in the middle of a line
                await rude.write(send("x" * 50_000) * 50)
    async with connected(socket_path) as client:
        assert (await client.ask("chat.list"))["result"] == {}


async def test_clients_that_never_read_do_not_hold_up_the_others(socket_path: Path, backend: Any) -> None:
    async with connected(socket_path) as client:
        stuck = [await trio.open_unix_socket(str(socket_path)) for _ in range(10)]
        for stream in stuck:
            await stream.send_all(request("events.subscribe", {"since": 0}))
        for n in range(200):
            assert (await client.ask("message.send", {"chat": "bob", "text": "x" * 20_000}, n))["id"] == n
        assert backend.subscribers == 10  # none has read a byte, all are still served
        for stream in stuck:
            await stream.aclose()


async def test_a_client_that_reads_nothing_for_long_is_dropped(
    socket_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "STALL_S", 0.2)
    async with connected(socket_path) as deaf, connected(socket_path) as client:
        with trio.fail_after(20), pytest.raises(trio.BrokenResourceError):
            await deaf.write(send("x" * 50_000) * 200)
        assert (await client.ask("chat.list"))["result"] == {}
    assert "read nothing" in caplog.text


async def test_a_subscriber_gets_the_stored_events_and_then_the_live_ones(socket_path: Path) -> None:
    async with connected(socket_path) as writer, connected(socket_path) as follower:
        for n in range(1, 6):
            await writer.ask("message.send", {"chat": "bob", "text": str(n)})
        assert (await follower.ask("events.subscribe", {"since": 2}))["result"] == {}
        for n in range(6, 9):
            await writer.ask("message.send", {"chat": "bob", "text": str(n)})
        notes = [await follower.read() for _ in range(6)]
    assert {note["method"] for note in notes} == {jsonrpc.EVENT}
    assert [note["params"]["seq"] for note in notes] == [3, 4, 5, 6, 7, 8]


async def test_a_subscriber_may_go_on_asking(socket_path: Path) -> None:
    async with connected(socket_path) as client:
        await client.ask("events.subscribe")
        await client.write(send("to myself", 2))
        lines = [await client.read(), await client.read()]
    assert {line.get("id") for line in lines} == {2, None}


async def test_one_connection_follows_once(socket_path: Path) -> None:
    async with connected(socket_path) as client:
        await client.ask("events.subscribe")
        assert (await client.ask("events.subscribe"))["error"]["data"]["error"] == "UsageError"


async def test_a_subscription_that_the_node_ends_says_why(socket_path: Path, backend: Any) -> None:
    backend.cut_off_after = 1
    async with connected(socket_path) as client:
        await client.ask("events.subscribe")
        await client.write(send("one", 2) + send("two", 3))
        lines = [await client.read() for _ in range(4)]
        (end,) = [line["params"] for line in lines if line.get("method") == jsonrpc.END]
        assert end == {"reason": "You are too slow."}
        assert (await client.ask("chat.list"))["result"] == {}


async def test_a_subscriber_that_leaves_is_forgotten(socket_path: Path, backend: Any) -> None:
    async with connected(socket_path) as client:
        await client.ask("events.subscribe")
        await trio.testing.wait_all_tasks_blocked()
        assert backend.subscribers == 1
    with trio.fail_after(20):
        await backend.left.wait()
    assert backend.subscribers == 0


async def test_one_client_too_many_is_turned_away(socket_path: Path) -> None:
    clients = [await trio.open_unix_socket(str(socket_path)) for _ in range(MAX_CONNECTIONS)]
    try:
        for client in clients:
            await client.send_all(request("chat.list"))
            await client.receive_some(1000)
        async with connected(socket_path) as extra:
            assert await extra.read() is None
    finally:
        for client in clients:
            await client.aclose()


async def test_a_stopped_server_takes_its_socket_away(tmp_path: Path, backend: Any) -> None:
    path = tmp_path / "node.sock"
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve, path, backend))
        assert path.exists()
        async with connected(path) as client:
            await client.write(request("node.ping", {"who": "bob"}))  # a call that never ends
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    assert not path.exists()
