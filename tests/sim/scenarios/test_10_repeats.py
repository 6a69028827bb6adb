"""Scenario 10: packets that come several times, at once and again after a month."""

from __future__ import annotations

import trio

from p2pchat.api import schema as s
from p2pchat.core.direct.frames import Ack, Sealed, decode_frame
from p2pchat.net import protocols
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.oracles import settle, texts
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

MONTH_S = 30 * 86_400.0


async def play_back(world: World) -> None:
    """Every envelope that was ever carried comes again, from whom it came; each is acknowledged."""
    carried = [one for one in world.net.tape if isinstance(decode_frame(one[2]), Sealed)]
    for sender, receiver in sorted({(sender, receiver) for sender, receiver, _ in carried}):
        frames = [frame for *ends, frame in carried if ends == [sender, receiver]]
        host = world.net.hosts[sender]
        await host.connect(receiver, ())
        stream = await host.open_stream(receiver, protocols.DIRECT, frame_limit=protocols.DIRECT_FRAME_LIMIT)
        known = 0
        with trio.fail_after(60):
            await stream.send(frames)
            while known < len(frames):
                for answer in map(decode_frame, await stream.receive()):
                    assert isinstance(answer, Ack)
                    known += len(answer.ids)
        await stream.close()


def test_packets_that_come_several_times_change_nothing(worlds: Worlds) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        for number in range(count := world.size(3, 10)):
            await world.say(ann, "bob", f"one {number}")
            await world.say(bob, "ann", f"two {number}")
            await bob.change("iou.pay", s.Pay(who="ann", amount="1.00 EUR", note=str(number)))
        await settle(world)
        for iou in ann.query("iou.list", s.IouQuery()).ious:
            if iou.mine_to_decide:
                await ann.change("iou.accept", s.IouId(id=iou.id))
        await settle(world)
        world.leap(MONTH_S)
        await play_back(world)
        await finish(world)
        assert texts(ann, "bob") == texts(bob, "ann")
        assert [one.minor for one in ann.query("iou.balance", s.BalanceQuery()).balances] == [100 * count]
        assert [one.minor for one in bob.query("iou.balance", s.BalanceQuery()).balances] == [-100 * count]

    worlds.run(scenario, Conditions(repeats=0.5, is_taped=True))
