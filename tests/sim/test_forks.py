"""Members who say one thing to some and another to others, and members who send rubbish."""

from __future__ import annotations

import base64

import trio

from p2pchat.api import schema as s
from p2pchat.core.log.equivocation import EquivocationProof
from p2pchat.errors import NetworkError
from p2pchat.net import protocols
from p2pchat.node.features.group import group_views
from p2pchat.testing.oracles import check, group_id, settle, shown, texts
from p2pchat.testing.simulate import simulate
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World


def test_the_proof_of_a_fork_spreads_to_members_who_saw_one_side_alone(seed: int) -> None:
    """Each side reaches one member; the forker is gone when they meet, and others come later still."""

    async def scenario(world: World) -> None:
        ann, bob, cat, dan, eve = people = await world.persons("ann", "bob", "cat", "dan", "eve")
        for other in people[1:]:
            await world.befriend(ann, other)
        await world.group("club", ann, bob, dan, eve)
        await settle(world)
        await world.kill(dan)
        await world.kill(eve)
        copy = eve.copy_store()
        said = {}
        for witness, text in ((ann, "I owe you"), (bob, "I owe you nothing")):
            eve.put_store(copy)
            await world.start(eve)
            world.partition([witness, eve])
            said[text] = await world.say(eve, "#club", text)
            await world.until(lambda w=witness, t=text: t in texts(w, "#club"), "the witness has it")
            await world.kill(eve)
        for witness, text in ((ann, "I owe you"), (bob, "I owe you nothing")):
            assert texts(witness, "#club") == [text]
            assert not witness.query("group.verify", s.GroupName(group="club")).proofs
        world.heal()
        await settle(world)
        await world.kill(ann)  # dan meets only bob, who had seen one side
        await world.start(dan)
        await settle(world)
        await world.start(ann)
        await world.invite("club", ann, cat)
        await finish(world)
        proofs = set()
        for person in (ann, bob, cat, dan):
            (fork,) = person.query("group.verify", s.GroupName(group="club")).proofs
            assert (fork.name, fork.device) == ("eve", eve.device.text)
            proofs.add(fork.proof)
            assert person.query("group.log", s.GroupName(group="club")).forks == [fork]
            shown_as = [person.query("message.show", s.MessageId(id=id)) for id in said.values()]
            assert all(one.forked for one in shown_as)
            page = person.query("message.history", s.History(chat="#club")).messages
            told = [one.text for one in page if one.sender == "eve" and "two different" in one.text]
            assert len(told) == 1
        (proof,) = proofs
        conversation, device, _ = EquivocationProof.decode(base64.b64decode(proof)).verify()
        assert (conversation, device) == (group_id(ann, "club"), eve.device)

    simulate(seed, scenario)


def test_who_writes_though_he_may_not_is_heard_by_nobody(seed: int) -> None:
    """A member's node that ignores the rule that only admins write."""

    async def scenario(world: World) -> None:
        ann, bob, eve = await world.found("ann", "bob", "eve")
        await ann.change("group.policy", s.SetPolicy(group="club", write="admin"))
        await settle(world)
        assert eve.node
        group = group_id(eve, "club")
        await eve.node.store.run(lambda tx: group_views.write(eve.app, tx, group, "sealed", b"rubbish"))
        await world.say(ann, "#club", "only I may write")
        await world.pass_time(300)
        await settle(world, liars=[eve])
        check(world, liars=[eve])
        for person in (ann, bob):
            assert [line.text for line in shown(person, group)] == ["only I may write"]
            written = person.look(
                lambda tx: tx.execute(
                    "SELECT kind FROM entry WHERE device = ? AND kind != 'group'", (eve.device,)
                )
            )
            assert written == []

    simulate(seed, scenario)


def test_rubbish_of_a_member_harms_nobody(seed: int) -> None:
    """Frames of random bytes on every protocol: the others go on talking."""

    async def scenario(world: World) -> None:
        ann, bob, eve = await world.found("ann", "bob", "eve")
        host = world.net.hosts[eve.device]
        for number in range(20):
            victim = world.chances.choice([ann, bob])
            await world.say(victim, "#club", f"text {number}")
            protocol = world.chances.choice([protocols.DIRECT, protocols.SYNC, protocols.HELLO])
            rubbish = [world.chances.randbytes(world.chances.randrange(300)) for _ in range(5)]
            try:
                stream = await host.open_stream(victim.device, protocol, frame_limit=1 << 16)
                await stream.send(rubbish)
                with trio.move_on_after(5):
                    await stream.receive()
                await stream.close()
            except NetworkError:
                await world.pass_time(5)
        await settle(world)
        check(world)
        assert texts(ann, "#club") == texts(bob, "#club") == texts(eve, "#club")
        assert len(texts(ann, "#club")) == 20

    simulate(seed, scenario)
