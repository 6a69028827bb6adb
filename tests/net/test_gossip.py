"""Gossip between hosts on loopback: delivery, bursts, bounds, leaving."""

from __future__ import annotations

import os

import pytest
import trio
import trio.lowlevel

from p2pchat.core.keys import SigningKey
from p2pchat.errors import UsageError
from p2pchat.net.config import NetworkConfig
from p2pchat.net.libp2p_network import open_network
from p2pchat.net.protocols import GOSSIP_LIMIT

TOPIC = "a-derived-name"


def anything(payload: bytes) -> bool:
    return True


@pytest.fixture
async def joined(nursery):
    """Joins topics that are left when the test ends."""

    async def hold(network, name, validator, task_status=trio.TASK_STATUS_IGNORED):
        async with network.join(name, validator) as topic:
            task_status.started(topic)
            await trio.sleep_forever()

    async def joiner(network, name=TOPIC, validator=anything):
        return await nursery.start(hold, network, name, validator)

    return joiner


async def take(topic, count):
    payloads = topic.payloads()
    return [await anext(payloads) for _ in range(count)]


async def heard(sender, receiver, deadline):
    """Wait until gossip flows from `sender` to `receiver`, and forget what that took."""
    tokens = set()
    with deadline():
        while not tokens & set(receiver._inbox):
            token = os.urandom(16)
            tokens.add(token)
            await sender.publish(token)
            await trio.sleep(0.1)
        await trio.sleep(0.1)
    receiver._inbox.clear()


@pytest.fixture
async def topics(opened, joined, deadline):
    """A topic at each of two connected nodes."""
    alice, bob = await opened(), await opened()
    await alice.connect(bob.device, bob.advertised())
    ends = await joined(alice), await joined(bob)
    await heard(*ends, deadline)
    return ends


async def test_a_payload_reaches_the_others_and_not_its_sender(topics, deadline):
    alice, bob = topics
    with deadline():
        await alice.publish(b"hello")
        await bob.publish(b"hi")
        assert await take(bob, 1) == [b"hello"]
        assert await take(alice, 1) == [b"hi"]
    assert not alice._inbox


async def test_topics_joined_before_connecting_work_as_well(opened, joined, deadline):
    alice, bob = await opened(), await opened()
    ends = await joined(alice), await joined(bob)
    await alice.connect(bob.device, bob.advertised())
    await heard(*ends, deadline)
    await heard(*reversed(ends), deadline)


async def test_a_burst_of_three_hundred_arrives_whole_and_in_order(topics, deadline):
    alice, bob = topics
    sent = [b"%d" % n for n in range(300)]
    with deadline():
        for payload in sent:
            await alice.publish(payload)
        assert await take(bob, len(sent)) == sent


async def test_payloads_travel_over_nodes_in_between(opened, joined, deadline):
    alice, bob, carol = await opened(), await opened(), await opened()
    await alice.connect(bob.device, bob.advertised())
    await carol.connect(bob.device, bob.advertised())
    ends = [await joined(network) for network in (alice, bob, carol)]
    await heard(ends[0], ends[2], deadline)


async def test_what_the_validator_refuses_is_neither_shown_nor_passed_on(opened, joined, deadline):
    alice, bob, carol = await opened(), await opened(), await opened()
    await alice.connect(bob.device, bob.advertised())
    await carol.connect(bob.device, bob.advertised())
    at_alice = await joined(alice)
    at_bob = await joined(bob, validator=lambda payload: payload != b"bad")
    at_carol = await joined(carol)
    await heard(at_alice, at_carol, deadline)
    await heard(at_alice, at_bob, deadline)
    with deadline():
        await at_alice.publish(b"bad")
        await at_alice.publish(b"good")
        for topic in (at_bob, at_carol):
            seen = []
            while b"good" not in seen:
                seen += await take(topic, 1)
            assert b"bad" not in seen


async def test_a_peer_that_sends_much_that_is_refused_is_not_listened_to_for_a_while(
    opened, joined, deadline
):
    alice, bob = await opened(), await opened()
    await alice.connect(bob.device, bob.advertised())
    at_alice, at_bob = await joined(alice), await joined(bob, validator=lambda payload: payload != b"bad")
    await heard(at_alice, at_bob, deadline)
    scorer = bob._gossip._pubsub.router.scorer
    with deadline(30):
        for _ in range(60):
            await at_alice.publish(b"bad")
        while scorer.allow_publish(alice.host.get_id(), [TOPIC]):  # noqa: ASYNC110
            await trio.sleep(0.01)
        await at_alice.publish(b"unheard")
        await trio.sleep(0.5)
        assert not at_bob._inbox
        await heard(at_alice, at_bob, deadline=lambda: deadline(30))  # forgiven


async def test_a_validator_that_raises_refuses(opened, joined, deadline, caplog):
    alice, bob = await opened(), await opened()
    await alice.connect(bob.device, bob.advertised())

    def fragile(payload):
        if payload == b"boom":
            raise ValueError("a bug")
        return True

    ends = await joined(alice), await joined(bob, validator=fragile)
    await heard(*ends, deadline)
    with deadline():
        await ends[0].publish(b"boom")
        await ends[0].publish(b"after")
        assert await take(ends[1], 1) == [b"after"]
    assert "A gossip validator failed" in caplog.text


async def test_the_largest_payload_passes_and_one_byte_more_is_a_usage_error(topics, deadline):
    alice, bob = topics
    with deadline():
        await alice.publish(b"x" * GOSSIP_LIMIT)
        assert await take(bob, 1) == [b"x" * GOSSIP_LIMIT]
        with pytest.raises(UsageError):
            await alice.publish(b"x" * (GOSSIP_LIMIT + 1))


async def test_a_slow_reader_keeps_the_newest(topics, deadline):
    _, bob = topics
    for n in range(5000):
        bob.deliver(b"%d" % n)
    with deadline():
        assert await take(bob, 4096) == [b"%d" % n for n in range(5000 - 4096, 5000)]


async def test_gossip_goes_on_after_each_stream_that_was_dropped_for_garbage(opened, joined, deadline):
    alice, bob = await opened(), await opened()
    await alice.connect(bob.device, bob.advertised())
    at_alice, at_bob = await joined(alice), await joined(bob)
    await heard(at_alice, at_bob, deadline)
    streams = alice._gossip._pubsub.peers
    for number in range(1, 4):
        stream = streams[bob.host.get_id()]
        await stream.write(b"\xff" * 12)
        with deadline():
            while streams.get(bob.host.get_id()) in (stream, None):  # noqa: ASYNC110
                await trio.sleep(0.01)
        await heard(at_bob, at_alice, deadline)  # bob has learnt alice's topics again
        await heard(at_alice, at_bob, deadline)
        assert bob.state().counters["dropped.gossip_garbage"] == number
    (connection,) = alice.host.get_network().get_connections()
    gossip = [stream for stream in connection.get_streams() if "meshsub" in stream.get_protocol()]
    assert len(gossip) == 2  # one each way: those that were dropped are not left open


async def test_a_topic_can_be_left_and_joined_again_while_others_publish(opened, joined, deadline):
    alice, bob = await opened(), await opened()
    await alice.connect(bob.device, bob.advertised())
    at_alice = await joined(alice)

    async def flood():
        while True:
            await at_alice.publish(os.urandom(64))
            await trio.lowlevel.checkpoint()

    with deadline():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood)
            for _ in range(5):
                async with bob.join(TOPIC, anything):
                    await trio.sleep(0.05)
            nursery.cancel_scope.cancel()
        async with bob.join(TOPIC, anything) as at_bob:
            await heard(at_alice, at_bob, deadline)


async def test_joining_twice_is_a_usage_error(opened):
    alice = await opened()
    async with alice.join(TOPIC, anything):
        with pytest.raises(UsageError):
            async with alice.join(TOPIC, anything):
                pass


async def test_closing_the_network_amid_gossip_raises_nothing(opened, joined, deadline):
    alice = await opened()
    at_alice = await joined(alice)

    async def flood(topic):
        while True:
            await topic.publish(os.urandom(64))

    with deadline():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood, at_alice)
            for _ in range(3):
                config = NetworkConfig(SigningKey(os.urandom(32)), "test", ("/ip4/127.0.0.1/tcp/0",))
                async with open_network(config) as bob, bob.join(TOPIC, anything) as at_bob:
                    await bob.connect(alice.device, alice.advertised())
                    await take(at_bob, 50)
            nursery.cancel_scope.cancel()
