"""Nodes are killed with -9 in the middle of a stream; everything is there exactly once, in order."""

from __future__ import annotations

import random
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end

MESSAGES = 200
KILLS = 3


class Typist:
    """Types lines into a running `p2pchat chat`, one at a time, each once the last is stored."""

    def __init__(self, person: Any, chat: str) -> None:
        self.process = person.spawn("chat", chat)

    def types(self, line: str) -> bool:
        """Whether the line was stored; False once the node is gone."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        return bool(self.process.stdout.readline())

    def leave(self) -> None:
        self.process.communicate()


def moments(seed: int) -> list[int]:
    """After which messages to kill."""
    print(f"seed {seed}")
    return sorted(random.Random(seed).sample(range(1, MESSAGES), KILLS))


@pytest.mark.parametrize("seed", [1])
def test_the_receiver_is_killed_again_and_again(pair: Any, seed: int) -> None:
    ann, ben = pair
    lines = [f"to the mortal {number}" for number in range(MESSAGES)]
    typist = Typist(ann, "ben")
    after = moments(seed)
    for number, line in enumerate(lines, start=1):
        assert typist.types(line)
        if number in after:
            ben.kill()
            ben.start()
    typist.leave()
    ben.reads("ann", lines[-1])
    assert ben.texts("ann", "to the mortal") == lines
    assert ann.texts("ben", "to the mortal") == lines
    ann.has_delivered(ann.messages("ben")[-1]["id"])
    assert {one["state"] for one in ann.messages("ben")} == {"delivered"}


@pytest.mark.parametrize("seed", [2])
def test_the_sender_is_killed_again_and_again(pair: Any, seed: int) -> None:
    ann, ben = pair
    lines = [f"from the mortal {number}" for number in range(MESSAGES)]
    after = moments(seed)
    typist = Typist(ann, "ben")
    number = 0
    while number < MESSAGES:
        if number in after:
            after.remove(number)
            ann.kill()
            assert not typist.types(lines[number])
            typist.leave()
            stored = ann.texts("ben", "from the mortal")  # without a node
            assert stored == lines[: len(stored)]
            assert len(stored) >= number
            number = len(stored)
            ann.start()
            typist = Typist(ann, "ben")
        assert typist.types(lines[number])
        number += 1
    typist.leave()
    ben.reads("ann", lines[-1])
    assert ben.texts("ann", "from the mortal") == lines
    assert ann.texts("ben", "from the mortal") == lines


@pytest.mark.parametrize("seed", [3])
def test_both_write_while_either_is_killed(pair: Any, seed: int) -> None:
    """The order that both see is the same, and each sees his own lines in the order he wrote them."""
    chance = random.Random(seed)
    print(f"seed {seed}")
    written: dict[str, list[str]] = {}
    for turn in range(3):
        for person, other in (pair, pair[::-1]):
            lines = [f"{person.name} says {turn}.{number}" for number in range(10)]
            person("chat", other.name, stdin="\n".join(lines))
            written.setdefault(person.name, []).extend(lines)
        victim = chance.choice(pair)
        victim.kill()
        victim.start()
    ann, ben = pair
    ann.reads("ben", written["ben"][-1])
    ben.reads("ann", written["ann"][-1])
    mine = [text for text in ann.texts("ben") if " says " in text]
    assert mine == [text for text in ben.texts("ann") if " says " in text]
    for name, lines in written.items():
        assert [text for text in mine if text.startswith(f"{name} says")] == lines
