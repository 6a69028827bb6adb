"""Every decoder of the core takes 20,000 random and mutated inputs: only the declared errors, in memory
bounded by its limit. What reads ratchets and their states is in ratchet/test_hostile_input.py.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import random
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from p2pchat import core
from p2pchat.core import codec, content, fields, identity, invite, link_text
from p2pchat.core.direct import frames, items
from p2pchat.core.files import frames as file_frames
from p2pchat.core.files.attachment import Attachment, decode_attachments, encode_attachments
from p2pchat.core.group import encoding, knock
from p2pchat.core.group import link_text as group_link
from p2pchat.core.identity import Card, DeviceCertificate
from p2pchat.core.ids import DeviceId, EntryId, FileId, GroupId, PersonId
from p2pchat.core.invite import InviteLink
from p2pchat.core.keys import SigningKey
from p2pchat.core.ledger import (
    bundle,
    details,
    entry,
    expense,
    group_debts,
    holdings,
    money,
    offers,
    order,
    probe,
    verify,
)
from p2pchat.core.ledger.account import open_account
from p2pchat.core.ledger.books import archive, splitwise
from p2pchat.core.ledger.simplify import Cycle
from p2pchat.core.ledger.state import fold
from p2pchat.core.ledger.units import own_unit, read_unit, unit_value
from p2pchat.core.log import entry as log_entry
from p2pchat.core.log import equivocation
from p2pchat.core.mailbox import carried
from p2pchat.core.mailbox import frames as mailbox_frames
from p2pchat.core.mailbox.sealing import SIZES, ParcelId
from p2pchat.core.mailbox.tags import TAG_SIZE
from p2pchat.core.ratchet.bursts import GroupBody
from p2pchat.core.ratchet.megolm import GroupSessionId
from p2pchat.core.sync import frames as sync_frames
from p2pchat.errors import P2PChatError, ProtocolError, UsageError
from p2pchat.testing.mutation import hammer, mutated, oversized

FOLDER = Path(__file__).parents[1] / "vectors"
ROOT, DEVICE = SigningKey(b"a" * 32), SigningKey(b"p" * 32)

ELSEWHERE = {  # read what others sealed, or only this device wrote: ratchet/test_hostile_input.py
    "ratchet.account.DeviceAccount.from_bytes",
    "ratchet.bundle.PrekeyBundle.decode",
    "ratchet.envelope.Envelope.decode",
    "ratchet.megolm.SenderKey.decode",
    "ratchet.megolm.from_base64",
    "ratchet.olm.PrekeyMessage.parse",
    "ratchet.pickled.Picklable.from_pickle",
    "ratchet.sender_keys.InboundGroupSession.from_bytes",
    "ratchet.sender_keys.OutboundGroupSession.from_bytes",
}

WITH_DETAILS = {kind.value for kind in entry.Kind} & details._READERS.keys()


class Decoder(NamedTuple):
    """What reads, what it reads, and how much of it."""

    read: Callable[[Any], object]
    samples: list[bytes]
    limit: int = codec.MAX_BYTES  # 0: the text or file of a person, whose length is looked at by its face
    errors: type[P2PChatError] = ProtocolError
    is_text: bool = False


def vectors(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def every(values: Any) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


def an_archive() -> bytes:
    ledger = vectors("ledger")
    one, other = (PersonId(bytes.fromhex(person)) for person in ledger["account"]["persons"])
    owners = {
        DeviceId(bytes.fromhex(owner["device"])): PersonId(bytes.fromhex(owner["person"]))
        for owner in ledger["devices"]
    }
    account = open_account(one, other, read_unit(ledger["account"]["unit"]))
    signed = [entry.trust(*every([one["raw"], one["signature"]])) for one in ledger["entries"][:2]]
    return archive.archive(fold(account, owners, signed), owners, {}).encode()


def details_of(entries: list[bytes]) -> list[bytes]:
    found = [fields.array(codec.decode(raw), 16) for raw in entries]
    return [codec.encode([one[6], one[13]]) for one in found if one[13] is not None]


def read_details(raw: bytes) -> object:
    kind, value = fields.array(codec.decode(raw, limit=entry.MAX_ENTRY_BYTES), 2)
    if kind not in WITH_DETAILS:
        raise ProtocolError("not a kind with details")
    return details.read_details(kind, value)


def decoders() -> dict[str, Decoder]:
    persons, direct, groups = vectors("identity"), vectors("direct"), vectors("groups")
    ledger, log, sync = vectors("ledger"), vectors("log_entries"), vectors("sync_frames")
    payloads: dict[str, bytes] = {
        item.kind: item.payload for item in items.decode_items(bytes.fromhex(direct["plaintext"]))
    }
    card, certificate = every([persons["card"], persons["certificate"]])
    euro = read_unit(ledger["account"]["unit"])
    me, hours = PersonId(ROOT.public), own_unit("hours", 0, PersonId(ROOT.public))
    an_order = order.Order(b"l" * 32, euro, 5, 9, (me,), None)
    group, link_id = GroupId(b"g" * 32), EntryId(b"l" * 32)
    a_circle = Cycle((me, PersonId(b"x" * 32), PersonId(b"y" * 32)), 5)
    door = group_link.Door(DeviceId(b"d" * 32), ("/ip4/192.0.2.1/tcp/1",))
    link_of_group = group_link.GroupLink(b"n" * 8, group, "trip", link_id, b"s" * 32, 9, (door,))
    bundles, entries = (
        every(one["data"] for one in ledger["bundles"]),
        every(one["raw"] for one in ledger["entries"]),
    )
    stories = every(raw for story in groups["stories"] for raw in story["entries"])
    return {
        "codec.decode": Decoder(codec.decode, [card, *bundles]),
        "content.decode_content": Decoder(content.decode_content, every(direct["contents"].values())),
        "direct.frames.decode_frame": Decoder(
            frames.decode_frame, every(direct["frames"].values()), frames.MAX_SEALED
        ),
        "direct.frames.Hello.decode_question": Decoder(
            frames.Hello.decode_question, every([direct["hello"]["question"]]), frames.MAX_BUNDLE
        ),
        "direct.frames.Hello.decode_answer": Decoder(
            frames.Hello.decode_answer, every([direct["hello"]["answer"]]), 2 * frames.MAX_BUNDLE
        ),
        "direct.frames.decode_typing": Decoder(frames.decode_typing, [frames.encode_typing(True)], 16),
        "direct.items.decode_items": Decoder(
            items.decode_items, every([direct["plaintext"]]), items.MAX_PLAINTEXT
        ),
        "direct.items.ContactRequest.decode": Decoder(
            items.ContactRequest.decode, [payloads[items.REQUEST]], 2 * identity.MAX_CARD
        ),
        "direct.items.ReadMark.decode": Decoder(items.ReadMark.decode, [payloads[items.READ]], 256),
        "direct.items.LogWanted.decode": Decoder(items.LogWanted.decode, [payloads[items.LOG_WANTED]], 8192),
        "direct.items.decode_authors": Decoder(items.decode_authors, [payloads[items.LOG_AUTHORS]]),
        "direct.items.GroupInvite.decode": Decoder(items.GroupInvite.decode, [payloads[items.GROUP_INVITE]]),
        "direct.items.KeysWanted.decode": Decoder(
            items.KeysWanted.decode, [payloads[items.GROUP_KEY_WANTED]], 8192
        ),
        "direct.items.Receipt.decode": Decoder(
            items.Receipt.decode, [items.Receipt((frames.EnvelopeId(b"e" * 32),), ()).encode()]
        ),
        "files.attachment.decode_attachments": Decoder(
            lambda raw: decode_attachments(codec.decode(raw)),
            [codec.encode(encode_attachments([Attachment("a.pdf", "a/b", 5, b"k" * 32, b"r" * 32)]))],
        ),
        "files.frames.decode_ask": Decoder(
            file_frames.decode_ask, [file_frames.encode_ask(file_frames.Ask(FileId(b"f" * 32), 3, 2))]
        ),
        "files.frames.decode_answer": Decoder(
            file_frames.decode_answer,
            [
                file_frames.encode_answer(answer)
                for answer in (
                    file_frames.Hashes(b"h" * 64),
                    file_frames.Chunk(7, b"c" * 99),
                    file_frames.Refused(file_frames.Reason.GONE),
                )
            ],
            32 * file_frames.MAX_CHUNKS,
        ),
        "group.encoding.decode_operation": Decoder(
            encoding.decode_operation, every(groups["operations"].values()), encoding.MAX_BODY
        ),
        "group.knock.Knock.decode": Decoder(
            knock.Knock.decode, [knock.Knock(group, link_id, card, b"1" * 64, b"2" * 64).encode()]
        ),
        "group.knock.decode_answer": Decoder(
            knock.decode_answer,
            [knock.encode_answer(answer) for answer in (knock.Welcome(b"i", card), knock.Refusal("no"))],
        ),
        "group.link_text.GroupLink.parse": Decoder(
            lambda body: group_link.GroupLink.parse(link_text.write_link(group_link.SCHEME, body)),
            [link_text.read_link(group_link.SCHEME, link_of_group.encode())],
            0,
            UsageError,
        ),
        "identity.DeviceCertificate.renew": Decoder(
            lambda raw: DeviceCertificate.renew(raw, ROOT, DEVICE), [certificate], identity.MAX_CERTIFICATE
        ),
        "identity.DeviceCertificate.decode": Decoder(
            DeviceCertificate.decode, [certificate], identity.MAX_CERTIFICATE
        ),
        "identity.Card.decode": Decoder(Card.decode, [card], identity.MAX_CARD),
        "ids.Id.parse": Decoder(PersonId.parse, [PersonId(ROOT.public).text.encode()], 0, P2PChatError, True),
        "invite.InviteLink.parse": Decoder(
            lambda body: InviteLink.parse(link_text.write_link(invite.SCHEME, body)),
            [link_text.read_link(invite.SCHEME, persons["link"])],
            0,
            UsageError,
        ),
        "link_text.read_link": Decoder(
            lambda text: link_text.read_link(invite.SCHEME, text),
            [persons["link"].encode()],
            0,
            UsageError,
            True,
        ),
        "ledger.books.archive.read_archive": Decoder(
            archive.read_archive, [an_archive()], 0, ProtocolError, True
        ),
        "ledger.books.splitwise.read_splitwise": Decoder(
            splitwise.read_splitwise,
            [
                b"Date,Description,Category,Cost,Currency,Ann,Bob\n2026-01-02,Pizza,Food,12.50,EUR,6.25,-6.25\n"
            ],
            0,
            UsageError,
            True,
        ),
        "ledger.bundle.decode": Decoder(bundle.decode, bundles, 0),
        "ledger.details.read_details": Decoder(read_details, details_of(entries), entry.MAX_ENTRY_BYTES),
        "ledger.entry.decode": Decoder(entry.decode, entries, entry.MAX_ENTRY_BYTES),
        "ledger.expense.decode": Decoder(expense.decode, every(one["raw"] for one in ledger["expenses"])),
        "ledger.group_debts.decode_ask": Decoder(
            group_debts.decode_ask, [group_debts.encode_ask(group, euro)]
        ),
        "ledger.group_debts.decode_report": Decoder(
            group_debts.decode_report, [group_debts.encode_report(group_debts.Report(group, euro, {me: -5}))]
        ),
        "ledger.group_debts.decode_circle": Decoder(
            group_debts.decode_circle,
            [group_debts.encode_circle(group, euro, a_circle)],
        ),
        "ledger.holdings.decode": Decoder(holdings.decode, [holdings.encode(((euro, ()),))]),
        "ledger.money.parse_amount": Decoder(money.parse_amount, [b"12.50 EUR"], 0, UsageError, True),
        "ledger.money.parse_unit": Decoder(money.parse_unit, [b"EUR"], 0, UsageError, True),
        "ledger.order.decode": Decoder(order.decode, [order.encode(an_order)], 512),
        "ledger.offers.read_invoice": Decoder(
            offers.read_invoice, [offers.invoice_text(me, an_order).encode()], 0, UsageError, True
        ),
        "ledger.offers.decode_ask": Decoder(
            offers.decode_ask, [offers.encode_ask(offers.Ask(b"i" * 16, money.Amount(5, euro)))], 1024
        ),
        "ledger.offers.decode_answer": Decoder(
            offers.decode_answer, [offers.encode_answer(b"i" * 16, an_order)], 1024
        ),
        "ledger.offers.decode_swap": Decoder(
            offers.decode_swap,
            [offers.encode_swap(offers.Swap(b"l" * 32, money.Amount(5, euro), money.Amount(5, hours), 9))],
            1024,
        ),
        "ledger.offers.decode_cancel": Decoder(offers.decode_cancel, [offers.encode_cancel(b"l" * 32)], 1024),
        "ledger.probe.decode": Decoder(
            probe.decode, [probe.encode(probe.Probe(b"t" * probe.TOKEN_SIZE, euro, 1, 5))], 256
        ),
        "ledger.units.read_unit": Decoder(
            lambda raw: read_unit(codec.decode(raw)), [codec.encode(unit_value(euro))]
        ),
        "ledger.verify.verify_bundle": Decoder(verify.verify_bundle, [min(bundles, key=len)], 0),
        "log.entry.Header.decode": Decoder(
            log_entry.Header.decode,
            [log_entry.Entry.decode(raw).raw_header for raw in stories],
            log_entry.MAX_HEADER,
        ),
        "log.entry.Entry.decode": Decoder(log_entry.Entry.decode, stories),
        "log.equivocation.EquivocationProof.decode": Decoder(
            equivocation.EquivocationProof.decode, every([log["equivocation"]["proof"]])
        ),
        "mailbox.carried.Carried.decode": Decoder(
            carried.Carried.decode, [carried.Carried((bytes(SIZES[0]),), (b"v" * 64,)).encode()], 0
        ),
        "mailbox.frames.decode_question": Decoder(
            mailbox_frames.decode_question,
            [
                mailbox_frames.encode_frame(question)
                for question in (
                    mailbox_frames.Hello(),
                    mailbox_frames.Deposit(b"a" * 32, 9, bytes(SIZES[0])),
                    mailbox_frames.Visit.sign(ROOT, b"c" * 32, b"m" * 32, token="t"),
                    mailbox_frames.Admit(5, (b"t" * TAG_SIZE,)),
                    mailbox_frames.Admitted(b"f" * 32),
                    mailbox_frames.Fetch(1024, True),
                    mailbox_frames.Taken((ParcelId(b"i" * 32),)),
                    mailbox_frames.Leave(),
                    mailbox_frames.News(),
                )
            ],
            mailbox_frames.FRAME_LIMIT,
        ),
        "mailbox.frames.decode_answer": Decoder(
            mailbox_frames.decode_answer,
            [
                mailbox_frames.encode_frame(answer)
                for answer in (
                    mailbox_frames.Terms(b"c" * 32, 8, 8, 30),
                    mailbox_frames.Held(ParcelId(b"i" * 32)),
                    mailbox_frames.Refused(mailbox_frames.Reason.FULL, 60),
                    mailbox_frames.Box(b"f" * 32, 1, 2, 3, 4, 5, 6, 7, 8),
                    mailbox_frames.Kept(bytes(SIZES[0])),
                    mailbox_frames.End(False),
                    mailbox_frames.Done(),
                )
            ],
            mailbox_frames.FRAME_LIMIT,
        ),
        "ratchet.bursts.GroupBody.decode": Decoder(
            GroupBody.decode,
            [GroupBody(GroupSessionId(b"s" * 32), 1, b"c" * 99, key).encode() for key in (None, b"k" * 99)],
        ),
        "sync.frames.decode_frame": Decoder(
            sync_frames.decode_frame, every(sync.values()), sync_frames.MAX_FRAME
        ),
    }


DECODERS = decoders()
READING = ("decode", "parse", "read", "from_", "verify_bundle", "renew")


def readers() -> Iterator[str]:
    """Everything in the core that is called like a decoder and takes bytes or text first."""
    for module in pkgutil.walk_packages(core.__path__, "p2pchat.core."):
        found = importlib.import_module(module.name)
        for name, one in vars(found).items():
            if getattr(one, "__module__", None) != module.name or name.startswith("_"):
                continue
            functions = {name: one} if inspect.isfunction(one) else {}
            if inspect.isclass(one):
                functions = {
                    f"{name}.{method}": getattr(one, method)
                    for method, value in vars(one).items()
                    if isinstance(value, classmethod | staticmethod)
                }
            for full, function in functions.items():
                first = next(iter(inspect.signature(function).parameters.values()), None)
                if (
                    first is not None
                    and first.annotation in ("bytes", "str")
                    and full.rpartition(".")[2].startswith(READING)
                ):
                    yield f"{module.name.removeprefix('p2pchat.core.')}.{full}"


def test_every_decoder_of_the_core_is_hammered() -> None:
    new = set(readers()) - ELSEWHERE - DECODERS.keys()
    assert not new, "give each of these a sample in decoders()"


@pytest.mark.parametrize("name", DECODERS)
def test_random_and_mutated_inputs_raise_only_the_declared_errors(name: str) -> None:
    decoder = DECODERS[name]
    for sample in decoder.samples:
        decoder.read(sample.decode() if decoder.is_text else sample)

    def read(data: bytes) -> object:
        return decoder.read(data.decode(errors="replace") if decoder.is_text else data)

    assert hammer(read, decoder.samples, decoder.errors, seed=len(name)) > 0


@pytest.mark.parametrize("name", [name for name, one in DECODERS.items() if one.limit])
def test_what_is_read_takes_memory_in_proportion_to_the_limit(name: str) -> None:
    decoder = DECODERS[name]
    inputs = [shape for size in (decoder.limit, 100 * decoder.limit) for shape in oversized(max(size, 9))]
    inputs += [mutated(random.Random(7), decoder.samples) for _ in range(20)]
    for data in inputs:
        tracemalloc.start()
        with suppress(decoder.errors):
            decoder.read(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20 * decoder.limit + codec.MAX_BYTES
