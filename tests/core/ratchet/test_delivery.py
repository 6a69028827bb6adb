"""Whatever the network loses, doubles and reorders and whenever a side crashes: each item arrives once.

The model keeps what the node keeps: one transaction stores the ratchet state with what was sealed or
opened; the same bytes are sent until acknowledged; the receiver knows an envelope by its hash; a nak
makes the sender seal the same items anew in a fresh session.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from p2pchat.core.codec import decode, encode
from p2pchat.core.ratchet.account import ROTATION_MS
from p2pchat.core.ratchet.errors import UndecryptableError

SETTLING_ROUNDS = 12  # a round delivers all there is: sealed, refused, sealed anew, acknowledged


@dataclass
class Node:
    """A device with its durable store; `live` is lost in a crash."""

    live: object
    queue: list[int] = field(default_factory=list)
    outbox: dict[bytes, tuple[bytes, list[int]]] = field(default_factory=dict)
    seen: set[bytes] = field(default_factory=set)
    received: list[int] = field(default_factory=list)
    wants_fresh_session: bool = False

    def __post_init__(self):
        self.commit()

    def commit(self):
        self.stored = self.live.copy()

    def crash(self):
        self.live = self.stored.copy()


def exactly_once_machine(make_device):
    class ExactlyOnce(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.nodes = [Node(make_device("alice")), Node(make_device("bob"))]
            self.wire = []  # (receiver, kind, bytes); any copy may arrive at any time, or never
            self.written = [[], []]  # by receiver

        @rule(sender=st.sampled_from([0, 1]), count=st.integers(1, 3))
        def write(self, sender, count):
            for _ in range(count):
                item = len(self.written[0]) + len(self.written[1])
                self.written[1 - sender].append(item)
                self.nodes[sender].queue.append(item)

        @rule(sender=st.sampled_from([0, 1]), crashes=st.sampled_from([None, "account", "envelope"]))
        def seal(self, sender, crashes=None):
            node, peer = self.nodes[sender], self.nodes[1 - sender]
            if not node.queue:
                return
            if node.live.to(peer.live).needs_bundle or node.wants_fresh_session:
                bundle = peer.live.bundle(node.live)
                if crashes == "account":  # the peer dies before it stored the keys: no bundle leaves
                    peer.crash()
                    return
                peer.commit()
                node.live.start(peer.live, bundle)
            envelope = node.live.seal(peer.live, encode(node.queue))
            if crashes == "envelope":
                node.crash()
                return
            node.outbox[hashlib.sha256(envelope).digest()] = (envelope, node.queue)
            node.queue, node.wants_fresh_session = [], False
            node.commit()
            self.wire.append((1 - sender, "envelope", envelope))

        @rule(sender=st.sampled_from([0, 1]))
        def send_again(self, sender):
            for envelope, _ in self.nodes[sender].outbox.values():
                self.wire.append((1 - sender, "envelope", envelope))

        @precondition(lambda self: self.wire)
        @rule(data=st.data(), stays=st.booleans(), crashes=st.booleans())
        def deliver(self, data, stays, crashes):
            at = data.draw(st.integers(0, len(self.wire) - 1))
            self.arrive(*(self.wire[at] if stays else self.wire.pop(at)), crashes)

        @precondition(lambda self: self.wire)
        @rule(data=st.data())
        def lose(self, data):
            self.wire.pop(data.draw(st.integers(0, len(self.wire) - 1)))

        @rule(who=st.sampled_from([0, 1]))
        def restart(self, who):
            self.nodes[who].crash()

        @rule(who=st.sampled_from([0, 1]))
        def rotate_prekeys(self, who):
            for node in self.nodes:
                node.live.now_ms += ROTATION_MS
            for node in self.nodes:
                node.live.account.maintain(node.live.now_ms)
                node.commit()

        @rule(who=st.sampled_from([0, 1]))
        def lose_all_sessions(self, who):
            self.nodes[who].live.sessions.clear()
            self.nodes[who].commit()

        @invariant()
        def nothing_arrives_twice_or_from_nowhere(self):
            for node, written in zip(self.nodes, self.written, strict=True):
                assert not Counter(node.received) - Counter(written)

        def teardown(self):
            for _ in range(SETTLING_ROUNDS):
                for who in (0, 1):
                    self.seal(sender=who)
                    self.send_again(sender=who)
                while self.wire:
                    self.arrive(*self.wire.pop(0), crashes=False)
            for node, written in zip(self.nodes, self.written, strict=True):
                assert sorted(node.received) == written
                assert not node.outbox

        def arrive(self, receiver, kind, content, crashes):
            node = self.nodes[receiver]
            if kind == "envelope":
                self.open(node, receiver, content, crashes)
            elif kind == "ack":
                node.outbox.pop(content, None)
            elif content in node.outbox:  # a nak for what is still to be delivered
                node.queue[:0] = node.outbox.pop(content)[1]
                node.wants_fresh_session = True

        def open(self, node, receiver, envelope, crashes):
            peer, name = self.nodes[1 - receiver], hashlib.sha256(envelope).digest()
            if name not in node.seen:
                try:
                    items = decode(node.live.open(peer.live, envelope))
                except UndecryptableError:
                    self.wire.append((1 - receiver, "nak", name))
                    return
                if crashes:
                    node.crash()
                    return
                node.received += items
                node.seen.add(name)
                node.commit()
            self.wire.append((1 - receiver, "ack", name))

    return ExactlyOnce


@pytest.mark.parametrize(("examples", "steps"), [(60, 50)])
def test_every_item_arrives_exactly_once(device, examples, steps):
    run_state_machine_as_test(
        exactly_once_machine(device),
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None),
    )
