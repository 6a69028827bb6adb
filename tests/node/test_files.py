"""Files between nodes of a simulated world: who gets what, from whom, and what liars achieve."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import pytest
import trio

from p2pchat.api import schema as s
from p2pchat.core.files import chunks
from p2pchat.core.files import frames as f
from p2pchat.core.files.attachment import Attachment
from p2pchat.core.files.chunks import CHUNK_SIZE
from p2pchat.core.ids import FileId
from p2pchat.errors import NetworkError, NotAllowedError
from p2pchat.net import protocols
from p2pchat.node.files import server
from p2pchat.store import files
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World

DATA = bytes(range(256)) * (2 * CHUNK_SIZE // 256) + b"the end"


def put(person: Person, data: bytes = DATA, name: str = "a.pdf") -> Attachment:
    about = person.app.blobs.seal([data], len(data), name, "application/pdf", os.urandom)
    person.database.transact(lambda tx: files.add(tx, about, files.HERE, person.app.now_ms()))
    return about


async def send(person: Person, chat: str, *abouts: Attachment, text: str = "") -> str:
    sent = await person.change(
        "message.send", s.Send(chat=chat, text=text, files=[one.id.text for one in abouts])
    )
    return str(sent.id)


def state(person: Person, about: Attachment) -> str | None:
    found = person.look(files.get, about.id)
    return found.state if found else None


def shown(person: Person, chat: str) -> list[s.File]:
    listed = person.query("file.list", s.FileQuery(chat=chat)).files
    assert isinstance(listed, list)
    return listed


def content(person: Person, about: Attachment) -> bytes:
    return b"".join(person.app.blobs.opened(about))


async def answers(asker: Person, other: Person, *asks: f.Ask) -> list[f.Answer]:
    """What `other` answers to questions of a hostile node."""
    assert asker.node is not None
    stream = await asker.node.network.open_stream(
        other.device, protocols.FILES, frame_limit=protocols.FILES_FRAME_LIMIT
    )
    await stream.send([f.encode_ask(one) for one in asks])
    found: list[f.Answer] = []
    with trio.move_on_after(5):
        while frames := await stream.receive():
            found += map(f.decode_answer, frames)
    await stream.close()
    return found


def test_a_small_file_comes_by_itself_and_a_large_one_when_it_is_wanted() -> None:
    async def scenario(world: World) -> None:
        ann, ben = await world.persons("ann", "ben")
        await world.befriend(ann, ben)
        await ben.change("settings.set", s.SetSettings(fetch_megabytes=0))
        about = put(ann)
        message = await send(ann, "ben", about)
        await world.until(lambda: state(ben, about) == "offered", "it is offered")
        (one,) = shown(ben, "ann")
        assert (one.name, one.type, one.size, one.state) == ("a.pdf", "application/pdf", len(DATA), "offered")
        (line,) = ben.query("message.history", s.History(chat="ann")).messages
        assert (line.text, line.wordless, [file.id for file in line.files]) == ("📎 a.pdf", True, [one.id])
        await ben.change("file.fetch", s.FileId(id=one.id[:8]))
        await world.until(lambda: state(ben, about) == "here", "it is here")
        assert content(ben, about) == DATA
        await ben.change("settings.set", s.SetSettings(fetch_megabytes=1))
        small = put(ann, b"small")
        await send(ann, "ben", small)
        await world.until(lambda: state(ben, small) == "here", "the small one came")
        told = ben.query("events.list", s.Since(since=0)).events
        assert [event.data["file"] for event in told if event.type == "file.done"] == [one.id, small.id.text]
        # Who forwards a file names the same bytes.
        await ann.change("message.delete", s.MessageId(id=message))
        await world.until(lambda: state(ben, about) is None, "it is gone with its message")
        await world.until(lambda: not ben.app.blobs.has(about), "its bytes too")
        assert not ann.app.blobs.has(about)
        assert ann.app.blobs.has(small)

    simulate(1, scenario)


def test_what_is_fetched_by_itself_fills_no_more_than_it_may() -> None:
    async def scenario(world: World) -> None:
        ann, ben = await world.persons("ann", "ben")
        await world.befriend(ann, ben)
        await ben.change("settings.set", s.SetSettings(fetch_megabytes=1, files_megabytes=1))
        abouts = [put(ann, bytes(400_000), f"{number}.bin") for number in range(3)]
        await send(ann, "ben", *abouts)
        await world.until(lambda: [state(ben, one) for one in abouts[:2]] == ["here"] * 2, "two have come")
        assert state(ben, abouts[2]) == "offered"
        await ben.change("file.fetch", s.FileId(id=abouts[2].id.text))
        await world.until(lambda: state(ben, abouts[2]) == "here", "what is asked for comes")

    simulate(1, scenario)


def test_a_member_serves_what_its_author_is_not_there_to_serve() -> None:
    async def scenario(world: World) -> None:
        ann, ben, cleo = await world.found("ann", "ben", "cleo")
        await cleo.change("settings.set", s.SetSettings(fetch_megabytes=0))
        about = put(ann)
        await send(ann, "#club", about)
        await world.until(
            lambda: state(ben, about) == "here" and state(cleo, about) == "offered", "ben has it"
        )
        await world.kill(ann)
        await cleo.change("file.fetch", s.FileId(id=about.id.text))
        await world.until(lambda: state(cleo, about) == "here", "cleo has it from ben")
        assert content(cleo, about) == DATA
        await world.kill(ben)

    simulate(1, scenario)


def test_when_nobody_is_there_who_has_it_that_is_said_and_it_comes_later() -> None:
    async def scenario(world: World) -> None:
        ann, ben = await world.persons("ann", "ben")
        await world.befriend(ann, ben)
        await ben.change("settings.set", s.SetSettings(fetch_megabytes=0))
        about = put(ann)
        await send(ann, "ben", about)
        await world.until(lambda: state(ben, about) == "offered", "it is offered")
        await world.kill(ann)
        await ben.change("file.fetch", s.FileId(id=about.id.text))
        await world.until(lambda: shown(ben, "ann")[0].state == "gone", "nobody is there")
        assert shown(ben, "ann")[0].reason == "nobody who has it is connected"
        await world.start(ann)
        await world.until(lambda: state(ben, about) == "here", "it came")

    simulate(1, scenario)


def test_a_cancelled_file_is_offered_again_and_what_was_sent_cannot_be_cancelled() -> None:
    async def scenario(world: World) -> None:
        ann, ben = await world.persons("ann", "ben")
        await world.befriend(ann, ben)
        about = put(ann)
        await send(ann, "ben", about)
        await world.until(lambda: state(ben, about) == "here", "it came")
        await ben.change("file.cancel", s.FileId(id=about.id.text))
        await world.until(lambda: not ben.app.blobs.has(about), "its bytes are gone")
        assert state(ben, about) == "offered"
        with pytest.raises(NotAllowedError):
            await ann.change("file.cancel", s.FileId(id=about.id.text))
        with pytest.raises(NotAllowedError):
            await ben.change("message.send", s.Send(chat="ann", text="", files=[about.id.text]))

    simulate(1, scenario)


def test_nobody_but_the_people_of_the_chat_gets_a_file_or_learns_that_it_is_there() -> None:
    async def scenario(world: World) -> None:
        ann, ben, eve = await world.persons("ann", "ben", "eve")
        await world.befriend(ann, ben)
        await world.befriend(ann, eve)
        about = put(ann)
        await send(ann, "ben", about)
        await world.until(lambda: state(ben, about) == "here", "it came")
        gone = [f.Refused(f.Reason.GONE)]
        assert await answers(eve, ann, f.Ask(about.id, 0, 1)) == gone  # though she knows its id
        assert await answers(eve, ann, f.Ask(FileId(b"f" * 32), 0, 1)) == gone
        (hashes,) = await answers(ben, ann, f.Ask(about.id, 0, 0))
        assert isinstance(hashes, f.Hashes)
        await ann.change("contact.block", s.Who(who="ben"))
        if ben.node is not None and ben.node.network.is_connected(ann.device):
            with suppress(NetworkError):
                assert await answers(ben, ann, f.Ask(about.id, 0, 1)) == gone

    simulate(1, scenario)


def test_who_asks_for_what_cannot_be_or_for_too_much_gets_nothing() -> None:
    async def scenario(world: World) -> None:
        ann, ben = await world.persons("ann", "ben")
        await world.befriend(ann, ben)
        about = put(ann)
        await send(ann, "ben", about)
        await world.until(lambda: state(ben, about) == "here", "it came")
        with pytest.raises(NetworkError):
            await answers(ben, ann, f.Ask(about.id, 2, 2))  # behind the end: the stream is reset
        flood = await answers(ben, ann, *[f.Ask(about.id, 0, 0)] * (2 * int(server.ASKS[1])))
        assert flood[-1] == f.Refused(f.Reason.BUSY)
        await world.pass_time(60)
        assert ben.node is not None
        held = [
            await ben.node.network.open_stream(
                ann.device, protocols.FILES, frame_limit=protocols.FILES_FRAME_LIMIT
            )
            for _ in range(server.MAX_STREAMS_OF_ONE)
        ]
        for stream in held:
            await stream.send([f.encode_ask(f.Ask(about.id, 0, 0))])
            await stream.receive()
        assert await answers(ben, ann, f.Ask(about.id, 0, 0)) == [f.Refused(f.Reason.BUSY)]

    simulate(1, scenario)


@pytest.mark.parametrize("lie", ["hashes", "chunk", "order", "too much", "rubbish", "nothing"])
def test_a_liar_is_asked_no_more_and_others_bring_the_file(lie: str) -> None:
    async def scenario(world: World) -> None:
        ann, ben, eve = await world.found("ann", "ben", "eve")
        await ben.change("settings.set", s.SetSettings(fetch_megabytes=0))
        about, another = put(eve), put(eve, b"another")
        await send(eve, "#club", about, another)
        await world.until(lambda: state(ann, about) == state(ann, another) == "here", "ann has them")
        await world.until(lambda: state(ben, another) == "offered", "ben knows of them")
        hashes, sealed = ann.app.blobs.hashes(about), ann.app.blobs.sealed(about, 0, 3)
        asked = 0

        async def lying(stream: Any) -> None:
            nonlocal asked
            asked += 1
            await stream.receive()
            said: dict[str, list[f.Answer]] = {
                "hashes": [f.Hashes(bytes(len(hashes)))],
                "chunk": [f.Hashes(hashes), f.Chunk(0, bytes(len(sealed[0])))],
                "order": [f.Hashes(hashes), f.Chunk(1, sealed[1])],
                "too much": [
                    f.Hashes(hashes),
                    *(f.Chunk(at, one) for at, one in enumerate([*sealed, sealed[0]])),
                ],
                "nothing": [],
            }
            if lie == "rubbish":
                await stream.send([b"rubbish"])
            await stream.send(map(f.encode_answer, said.get(lie, [])))

        assert eve.node is not None
        eve.node.network.serve(protocols.FILES, lying, frame_limit=protocols.FILES_FRAME_LIMIT)
        await ben.change("file.fetch", s.FileId(id=about.id.text))
        await world.until(lambda: state(ben, about) == "here", "ann brought it")
        assert content(ben, about) == DATA
        await ben.change("file.fetch", s.FileId(id=another.id.text))
        await world.until(lambda: state(ben, another) == "here", "ann brought the other one too")
        assert asked == (2 if lie == "nothing" else 1)  # to hang up is no lie

    simulate(1, scenario)


def test_a_file_that_its_author_sealed_badly_is_called_broken() -> None:
    async def scenario(world: World) -> None:
        ann, ben = await world.persons("ann", "ben")
        await world.befriend(ann, ben)
        sealed = bytes(1000 + chunks.TAG_SIZE)
        hashes = chunks.hash_of(sealed)
        about = Attachment("bad.bin", "a/b", 1000, b"k" * 32, chunks.root_of(1000, hashes))
        ann.app.blobs.folder.mkdir()
        (ann.app.blobs.folder / about.id.text).write_bytes(hashes + sealed)
        ann.database.transact(lambda tx: files.add(tx, about, files.HERE, 1))
        await send(ann, "ben", about)
        await world.until(lambda: state(ben, about) == "broken", "it does not open")
        assert not ben.app.blobs.has(about)
        with pytest.raises(NotAllowedError):
            await ben.change("file.fetch", s.FileId(id=about.id.text))

    simulate(1, scenario)


def test_a_store_without_its_files_gets_them_back_from_those_who_have_them() -> None:
    async def scenario(world: World) -> None:
        ann, ben = await world.persons("ann", "ben")
        await world.befriend(ann, ben)
        about = put(ann)
        await send(ann, "ben", about)
        await world.until(lambda: state(ben, about) == "here", "it came")
        await world.kill(ann)
        ann.app.blobs.discard([about.id])
        await world.start(ann)
        await world.until(lambda: state(ann, about) == "offered", "it is noticed")
        await ann.change("file.fetch", s.FileId(id=about.id.text))
        await world.until(lambda: state(ann, about) == "here", "ben gave it back")
        assert content(ann, about) == DATA

    simulate(1, scenario)


def test_a_vanishing_message_takes_its_file_along() -> None:
    async def scenario(world: World) -> None:
        ann, ben = await world.persons("ann", "ben")
        await world.befriend(ann, ben)
        about = put(ann)
        await ann.change("message.send", s.Send(chat="ben", text="look", expire_s=60, files=[about.id.text]))
        await world.until(lambda: state(ben, about) == "here", "it came")
        await world.pass_time(70)
        for person in (ann, ben):
            assert state(person, about) is None
            assert not person.app.blobs.has(about)

    simulate(1, scenario)
