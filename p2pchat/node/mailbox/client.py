"""One conversation with a mailbox: questions and their answers, in order."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import trio
import trio.lowlevel

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox import work
from p2pchat.core.mailbox.sealing import parcel_id
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net import protocols
from p2pchat.net.network import Network, Stream
from p2pchat.net.peers import parse_address

logger = logging.getLogger(__name__)

ANSWER_S: Final = 30.0
WAIT_S: Final = 90.0  # for the answer to a fetch that waits; longer than a mailbox lets it wait
MAX_BITS: Final = 24  # of work that we do: half a minute; who asks for more gets none
_DIAL_S: Final = 30.0

A = TypeVar("A", bound=f.Answer)


class RefusedError(NetworkError):
    """A mailbox said no."""

    def __init__(self, answer: f.Refused) -> None:
        super().__init__(f"the mailbox refuses ({answer.reason})")
        self.answer = answer


def locate(holder: str) -> tuple[DeviceId, list[str]]:
    """The device of a holder, and where it may be dialled: `holder` is a multiaddr or a device's id."""
    if not holder.startswith("/"):
        return DeviceId.parse(holder), []
    device, address = parse_address(holder)
    return device, [address]


class MailboxClient:
    """An open stream to the mailbox of one device."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._heard: list[f.Answer] = []
        self.terms = f.Terms(b"", 0, 0, 0)

    @property
    def device(self) -> DeviceId:
        """The mailbox."""
        return self._stream.peer

    async def greet(self) -> None:
        """Learn the terms."""
        await self._ask([f.Hello()])
        self.terms = await self._answer(f.Terms)

    async def visit(self, key: SigningKey, day: int, token: str = "") -> f.Box:
        """Show that the box of `key` is ours; work for it if it is new. Raises RefusedError, NetworkError."""
        challenge = self.terms.challenge
        await self._ask([f.Visit.sign(key, challenge, self.device, token=token)])
        try:
            return await self._answer(f.Box)
        except RefusedError as error:
            if error.answer.reason is not f.Reason.WORK:
                raise
        stamp = await self.work("box", key.public, day, self.terms.box_bits)
        await self._ask([f.Visit.sign(key, challenge, self.device, stamp, token)])
        return await self._answer(f.Box)

    async def work(self, what: str, box: bytes, day: int, bits: int, content: bytes = b"") -> bytes:
        """A stamp. Raises NetworkError if it would take too long."""
        if bits > MAX_BITS:
            raise NetworkError("the mailbox asks for too much work")
        for stamp in work.candidates(work.subject(what, self.device, box, day, content), bits):
            if stamp is not None:
                return stamp
            await trio.lowlevel.checkpoint()
        raise AssertionError("there is always another candidate")

    async def deposit(self, deposits: Sequence[f.Deposit]) -> list[f.Held | f.Refused]:
        """What becomes of parcels, in their order."""
        await self._ask(deposits)
        answers: list[f.Held | f.Refused] = []
        for _ in deposits:
            answer = await self._next(ANSWER_S)
            if not isinstance(answer, f.Held | f.Refused):
                raise ProtocolError("the mailbox answered something else")
            answers.append(answer)
        return answers

    async def admit(self, admissions: Sequence[f.Admit]) -> None:
        """Say who may leave something in our box."""
        fingerprint = f.fingerprint_of(admissions)
        await self._ask([*admissions, f.Admitted(fingerprint)])
        for _ in range(len(admissions) + 1):
            await self._answer(f.Done)

    async def fetch(self, *, wait: bool) -> tuple[list[bytes], bool]:
        """The oldest parcels in our box, and whether more are there."""
        await self._ask([f.Fetch(f.MAX_FETCH, wait)])
        found: list[bytes] = []
        while True:
            match await self._next(WAIT_S):
                case f.Kept(sealed):
                    found.append(sealed)
                case f.End(more):
                    return found, more
                case f.Refused() as answer:
                    raise RefusedError(answer)
                case _:
                    raise ProtocolError("the mailbox answered something else")
            if len(found) > f.MAX_TAKEN:
                raise ProtocolError("the mailbox does not end")

    async def taken(self, parcels: Sequence[bytes]) -> None:
        """Let the mailbox forget them."""
        await self._ask([f.Taken(tuple(map(parcel_id, parcels)))])
        await self._answer(f.Done)

    async def leave(self) -> None:
        """Let the mailbox forget our box."""
        await self._ask([f.Leave()])
        await self._answer(f.Done)

    async def _ask(self, questions: Sequence[f.Question]) -> None:
        await self._stream.send(map(f.encode_frame, questions))

    async def _answer(self, kind: type[A]) -> A:
        answer = await self._next(ANSWER_S)
        if isinstance(answer, f.Refused):
            raise RefusedError(answer)
        if not isinstance(answer, kind):
            raise ProtocolError("the mailbox answered something else")
        return answer

    async def _next(self, within_s: float) -> f.Answer:
        if not self._heard:
            try:
                with trio.fail_after(within_s):
                    received = await self._stream.receive()
            except trio.TooSlowError:
                raise NetworkError("the mailbox does not answer") from None
            if not received:
                raise NetworkError("the mailbox hung up")
            self._heard = [f.decode_answer(raw) for raw in reversed(received)]
        return self._heard.pop()


@asynccontextmanager
async def at_mailbox(network: Network, holder: str) -> AsyncIterator[MailboxClient]:
    """A conversation with the mailbox of `holder`, which is dialled if need be.

    Raises:
        NetworkError: it is not reached, or offers no mailbox.
        UsageError: `holder` names no device.
    """
    device, addresses = locate(holder)
    try:
        with trio.fail_after(_DIAL_S):
            if not network.is_connected(device):
                await network.connect(device, addresses, search=not addresses)
            stream = await network.open_stream(
                device, protocols.MAILBOX, frame_limit=protocols.MAILBOX_FRAME_LIMIT
            )
    except trio.TooSlowError:
        raise NetworkError(f"the mailbox {device.short} does not answer") from None
    try:
        client = MailboxClient(stream)
        await client.greet()
        yield client
    finally:
        await stream.close()
