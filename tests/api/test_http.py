"""HTTP over real sockets: who is let in, what is answered, and clients that do not behave."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from p2pchat.api import jsonrpc
from p2pchat.api.http import access as access_module
from p2pchat.api.http import exchange, neighbours, service, stream
from p2pchat.api.http.access import Access
from p2pchat.api.http.service import HttpService

NOW: list[int] = [1_000_000]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """A node's HTTP side, and requests to it byte by byte."""

    def __init__(self, http: HttpService, access: Access) -> None:
        self.http = http
        self.access = access
        self.cookie = ""

    async def log_in(self) -> None:
        link = (await self.http.open()).link
        answer = await self.post("session", {"secret": link.partition("#login=")[2]}, cookie="")
        assert answer.status == 204, answer
        self.cookie = answer.headers["set-cookie"].partition(";")[0]

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.access.port)

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str | None) -> Answer:
        own: dict[str, str | None] = {"host": self.access.host, "connection": "close"}
        if method != "GET":
            own |= {"origin": self.access.origin, "content-type": "application/json"}
        sent = own | {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value)
        if body:
            head += f"content-length: {len(body)}\r\n"
        connection = await self.connect()
        async with connection:
            await connection.send_all(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
            return await read_answer(connection)

    async def post(self, path: str, body: Any, **headers: str | None) -> Answer:
        headers = {"cookie": self.cookie} | headers
        return await self.ask("POST", f"/api/v1/{path}", json.dumps(body).encode(), **headers)

    async def call(self, method: str, params: Any = None, **headers: str | None) -> Answer:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        return await self.post("rpc", request, **headers)

    async def say(self, text: str) -> Answer:
        return await self.call("message.send", {"chat": "bob", "text": text})


async def read_answer(connection: trio.SocketStream) -> Answer:
    data = b""
    with trio.fail_after(20):
        while chunk := await connection.receive_some(65536):
            data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(first.split()[1]), headers, body)


@pytest.fixture
async def site(backend: Any, nursery: trio.Nursery) -> AsyncIterator[Site]:
    NOW[0] = 1_000_000

    async def keep(_: bytes) -> None:
        await trio.lowlevel.checkpoint()

    access = Access(None, lambda: NOW[0])
    one = Site(HttpService(access, backend, keep, nursery), access)
    await one.log_in()
    return one


# --- what is answered -----------------------------------------------------------------------------


async def test_a_method_is_answered(site: Site) -> None:
    answer = await site.say("hi")
    assert answer.status == 200
    assert answer.json["result"]["text"] == "hi"


async def test_many_requests_go_over_one_connection(site: Site) -> None:
    async with await site.connect() as connection:
        for number in range(3):
            body = b'{"jsonrpc":"2.0","id":%d,"method":"chat.list"}' % number
            head = (
                f"POST /api/v1/rpc HTTP/1.1\r\nHost: {site.access.host}\r\nOrigin: {site.access.origin}\r\n"
                f"Cookie: {site.cookie}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            await connection.send_all(head.encode() + body)
            data = b""
            while b"result" not in data:
                data += await connection.receive_some(65536)
            assert json.loads(data.partition(b"\r\n\r\n")[2])["id"] == number


async def test_an_error_of_the_node_is_the_same_as_on_the_socket(site: Site) -> None:
    answer = await site.call("message.send", {"chat": "zoe", "text": "hi"})
    assert answer.json["error"]["data"] == {"exit_code": 6, "error": "NotFoundError"}


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"jsonrpc":"2.0","id":1,"method":"no.such"}'])
async def test_nonsense_is_refused_in_one_sentence(site: Site, body: bytes) -> None:
    answer = await site.ask("POST", "/api/v1/rpc", body or b" ", cookie=site.cookie)
    assert answer.json["error"]["message"].endswith(".")


async def test_a_notification_has_no_answer(site: Site, backend: Any) -> None:
    answer = await site.post(
        "rpc", {"jsonrpc": "2.0", "method": "message.send", "params": {"chat": "bob", "text": "q"}}
    )
    assert (answer.status, len(backend.events)) == (204, 1)


@pytest.mark.parametrize("method", ["backup.words", "backup.create", "web.token", "web.open", "hook.add"])
async def test_a_stolen_session_cannot_become_the_person(site: Site, method: str) -> None:
    answer = await site.call(method, {"path": "/tmp/x"} if method == "backup.create" else {})
    assert answer.json["error"]["data"]["error"] == "NotAllowedError"


async def test_the_description_of_the_api_names_every_method(site: Site) -> None:
    answer = await site.ask("GET", "/api/v1/openrpc.json", cookie=site.cookie)
    assert "message.send" in {method["name"] for method in answer.json["methods"]}


# --- who is let in --------------------------------------------------------------------------------


async def test_without_a_session_nothing_is_answered(site: Site) -> None:
    for cookie in (None, "p2pchat-session=", "p2pchat-session=wrong", "other=1"):
        assert (await site.call("chat.list", cookie=cookie)).status == 401
        assert (await site.ask("GET", "/api/v1/events", cookie=cookie)).status == 401
        assert (await site.ask("GET", "/api/v1/openrpc.json", cookie=cookie)).status == 401


async def test_a_login_link_is_good_once(site: Site) -> None:
    secret = (await site.http.open()).link.partition("#login=")[2]
    assert (await site.post("session", {"secret": secret})).status == 204
    assert (await site.post("session", {"secret": secret})).status == 401


async def test_a_login_link_is_good_for_five_minutes(site: Site) -> None:
    secret = (await site.http.open()).link.partition("#login=")[2]
    NOW[0] += access_module.LOGIN_MS
    assert (await site.post("session", {"secret": secret})).status == 401


async def test_a_session_ends_after_30_days(site: Site) -> None:
    NOW[0] += access_module.SESSION_MS - 1
    assert (await site.say("hi")).status == 200
    NOW[0] += 1
    assert (await site.say("hi")).status == 401


async def test_the_cookie_is_for_this_page_alone(site: Site) -> None:
    secret = (await site.http.open()).link.partition("#login=")[2]
    cookie = (await site.post("session", {"secret": secret})).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/api/" in cookie
    assert "Domain" not in cookie


async def test_who_logs_out_is_out(site: Site) -> None:
    assert (await site.ask("DELETE", "/api/v1/session", cookie=site.cookie)).status == 204
    assert (await site.say("hi")).status == 401


async def test_a_token_admits_scripts_and_is_no_session(site: Site) -> None:
    token = (await site.http.token()).token
    script: dict[str, str | None] = {
        "cookie": None,
        "origin": None,
        "host": f"127.0.0.1:{site.access.port}",
        "authorization": f"Bearer {token}",
    }
    assert (await site.call("chat.list", **script)).status == 200
    assert (await site.call("chat.list", **(script | {"authorization": "Bearer wrong"}))).status == 401
    assert (await site.call("chat.list", **(script | {"authorization": f"Basic {token}"}))).status == 401
    assert (await site.call("chat.list", cookie=f"p2pchat-session={token}")).status == 401
    session = site.cookie.partition("=")[2]
    assert (await site.call("chat.list", **(script | {"authorization": f"Bearer {session}"}))).status == 401


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1:{port}",
        "localhost:{port}",
        "x.localhost:{port}",
        "",
        None,
    ],
)
async def test_a_foreign_host_is_refused_with_a_good_session(site: Site, host: str | None) -> None:
    name = host and host.format(port=site.access.port)
    for path in ("/", "/api/v1/events"):
        assert (await site.ask("GET", path, host=name, cookie=site.cookie)).status in (400, 421)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1:{port}",
        "https://{host}",
        "http://{host}.evil.example",
        None,
    ],
)
async def test_a_foreign_origin_is_refused_with_a_good_session(
    site: Site, origin: str | None, backend: Any
) -> None:
    sent = origin and origin.format(port=site.access.port, host=site.access.host)
    answer = await site.call("message.send", {"chat": "bob", "text": "forged"}, origin=sent)
    assert (answer.status, backend.events) == (403, [])


@pytest.mark.parametrize("site_header", ["cross-site", "same-site"])
async def test_what_a_browser_says_comes_from_elsewhere_is_refused(site: Site, site_header: str) -> None:
    assert (
        await site.ask("GET", "/api/v1/events", cookie=site.cookie, sec_fetch_site=site_header)
    ).status == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_a_body_that_a_form_could_send_is_refused(site: Site, kind: str | None) -> None:
    assert (await site.call("chat.list", content_type=kind)).status == 415


async def test_turning_it_off_ends_sessions_and_connections(site: Site) -> None:
    async with await site.connect() as open_one:
        port, origin = site.access.port, site.access.origin
        await site.http.close()
        with trio.fail_after(5):
            assert await open_one.receive_some(1) == b""
    with pytest.raises(OSError, match="connect"):
        await trio.open_tcp_stream("127.0.0.1", port)
    await site.http.open(port)
    assert site.access.origin != origin
    assert (await site.say("hi")).status == 401


async def test_a_restart_finds_port_and_sessions_again(
    site: Site, backend: Any, nursery: trio.Nursery
) -> None:
    kept = site.access.encode()
    assert site.cookie.partition("=")[2].encode() not in kept  # only its hash
    site.http._stop()
    await trio.testing.wait_all_tasks_blocked()
    again = Site(
        HttpService(
            access := Access(kept, lambda: NOW[0]), backend, trio.lowlevel.checkpoint_if_cancelled, nursery
        ),
        access,
    )  # type: ignore[arg-type]
    again.http._keep = _nothing
    again.cookie = site.cookie
    await again.http.resume()
    assert (await again.say("hi")).status == 200


async def test_if_another_took_the_port_all_sessions_end(
    site: Site, backend: Any, nursery: trio.Nursery
) -> None:
    kept = site.access.encode()
    again = HttpService(access := Access(kept, lambda: NOW[0]), backend, _nothing, nursery)
    await again.resume()  # the first one still holds it
    assert access.port == 0
    assert not access.admits("page", site.cookie.partition("=")[2])


async def _nothing(_: bytes) -> None:
    await trio.lowlevel.checkpoint()


def test_the_table_of_sockets_says_whose_a_client_is(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    rows = [
        "header",
        "0: 0100007F:1F90 0100007F:C350 01 0:0 0:0 0 1000 0 1",
        "1: 0100007F:C350 0100007F:1F90 01 0:0 0:0 0 1234 0 1",
    ]
    table.write_text("\n".join(rows))
    ours, theirs = ("127.0.0.1", 0x1F90), ("127.0.0.1", 0xC350)
    assert neighbours.owner(ours, theirs, table) == 1234
    assert neighbours.owner(ours, ("127.0.0.1", 1), table) == -1
    assert neighbours.owner(ours, theirs, tmp_path / "none") is None


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the system does not tell whose a socket is")
async def test_another_user_of_the_machine_is_turned_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await site.ask("GET", "/")).status == 200
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)  # nobody's
    async with await site.connect() as connection:
        assert await connection.receive_some(1) == b""


# --- events ---------------------------------------------------------------------------------------


class Events:
    """A browser's EventSource."""

    def __init__(self, connection: trio.SocketStream) -> None:
        self.connection = connection
        self.text = ""

    async def next(self) -> tuple[int, str]:
        with trio.fail_after(20):
            while True:
                for block in self.text.split("\n\n")[:-1]:
                    lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
                    self.text = self.text.partition("\n\n")[2]
                    if "data" in lines:
                        return int(lines["id"]), json.loads(lines["data"])["data"]["text"]
                chunk = await self.connection.receive_some(65536)
                assert chunk, "the stream ended"
                # Chunked coding: the sizes stand on lines of their own.
                self.text += "\n".join(chunk.decode().replace("\r\n", "\n").split("\n"))


async def follow(site: Site, query: str = "", **headers: str) -> Events:
    connection = await site.connect()
    sent = {"host": site.access.host, "cookie": site.cookie} | headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    await connection.send_all(f"GET /api/v1/events{query} HTTP/1.1\r\n{lines}\r\n".encode())
    return Events(connection)


async def test_events_come_live_and_from_the_store(site: Site) -> None:
    await site.say("one")
    events = await follow(site)
    assert await events.next() == (1, "one")
    await site.say("two")
    assert await events.next() == (2, "two")
    await events.connection.aclose()


async def test_a_browser_that_comes_back_misses_nothing(site: Site) -> None:
    for number in range(1, 6):
        await site.say(str(number))
    events = await follow(site, "?since=1", **{"last-event-id": "3"})
    assert [await events.next(), await events.next()] == [(4, "4"), (5, "5")]
    await events.connection.aclose()


@pytest.mark.parametrize("cursor", ["x", "-1", "1e3", "9" * 40, "٣"])
async def test_a_cursor_is_a_number(site: Site, cursor: str) -> None:
    from urllib.parse import quote

    assert (await site.ask("GET", f"/api/v1/events?since={quote(cursor)}", cookie=site.cookie)).status == 400


async def test_a_follower_that_leaves_is_forgotten(site: Site, backend: Any) -> None:
    await site.say("one")
    events = await follow(site)
    await events.next()
    assert backend.subscribers == 1
    await events.connection.aclose()
    with trio.fail_after(20):
        await backend.left.wait()


async def test_the_end_of_a_session_ends_its_events(
    site: Site, backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT_S", 0.05)
    await site.say("one")
    events = await follow(site)
    await events.next()
    await site.ask("DELETE", "/api/v1/session", cookie=site.cookie)
    with trio.fail_after(20):
        await backend.left.wait()
    await events.connection.aclose()


# --- clients that do not behave -------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,  # TLS
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /" + b"a" * 100_000,
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_rubbish_is_refused_and_harms_nobody(site: Site, data: bytes) -> None:
    async with await site.connect() as connection:
        await connection.send_all(data)
        assert (await read_answer(connection)).status in (400, 421, 431)
    assert (await site.say("hi")).status == 200


async def test_a_body_above_the_limit_is_refused(site: Site) -> None:
    async with await site.connect() as connection:
        head = f"POST /api/v1/rpc HTTP/1.1\r\nHost: {site.access.host}\r\nContent-Length: 9000000\r\n\r\n"
        await connection.send_all(head.encode() + b"x" * (exchange.MAX_BODY + 100_000))
        with trio.fail_after(20):
            assert b" 413 " in await connection.receive_some(1000)
    assert (await site.say("x" * (jsonrpc.MAX_LINE - 1000))).status == 200


async def test_who_sends_slowly_is_dropped(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "REQUEST_S", 0.1)
    async with await site.connect() as connection:
        head = f"POST /api/v1/rpc HTTP/1.1\r\nHost: {site.access.host}\r\nContent-Length: 10\r\n\r\nx"
        await connection.send_all(head.encode())
        with trio.fail_after(20):
            assert await connection.receive_some(1000) == b""


async def test_followers_that_never_read_hold_up_nobody_and_are_dropped(
    site: Site, backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "STALL_S", 0.5)
    deaf = [await follow(site) for _ in range(10)]
    with trio.fail_after(120):
        for _ in range(60):
            assert (await site.say("x" * 200_000)).status == 200
        while backend.subscribers:  # noqa: ASYNC110 - ten of them
            await trio.sleep(0.05)
    for events in deaf:
        await events.connection.aclose()


async def test_one_connection_too_many_is_turned_away(site: Site) -> None:
    await trio.testing.wait_all_tasks_blocked(0.05)
    held = [await site.connect() for _ in range(service.MAX_CONNECTIONS)]
    for one in held:
        await one.send_all(f"GET / HTTP/1.1\r\nHost: {site.access.host}\r\n\r\n".encode())
        await one.receive_some(1000)
    async with await site.connect() as extra:
        assert await extra.receive_some(1) == b""
    for one in held:
        await one.aclose()


# --- the page's files -----------------------------------------------------------------------------


async def test_the_page_may_run_and_load_only_its_own(site: Site) -> None:
    answer = await site.ask("GET", "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_unchanged_file_is_not_sent_again(site: Site) -> None:
    tag = (await site.ask("GET", "/")).headers["etag"]
    again = await site.ask("GET", "/", if_none_match=tag)
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("path", ["/../__init__.py", "/%2e%2e/__init__.py", "//etc/passwd", "/static/", "/x"])
async def test_only_the_pages_own_files_are_served(site: Site, path: str) -> None:
    assert (await site.ask("GET", path)).status == 404
