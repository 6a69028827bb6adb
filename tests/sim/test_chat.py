from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World
from p2pchat.api import schema as s


def test_two_people_chat(capsys):
    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        await world.say(ann, "bob", "hi")
        await world.until(
            lambda: any(m.text == "hi" for m in bob.query("message.history", s.History(chat="ann")).messages),
            "bob has it",
        )
        print("\n".join(world.history))

    simulate(1, scenario)
