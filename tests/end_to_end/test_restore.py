"""Ann loses her disk: her backup goes on as a new device, with real nodes and nothing forked."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


def euros(person: Any, other: str) -> int:
    return int(person.balances().get((other, "EUR"), 0))


def owe(debtor: Any, creditor: Any, amount: str, note: str) -> None:
    debtor.json("pay", creditor.name, amount, "EUR", note)

    def waiting() -> list[Any]:
        listed = creditor.json("iou", "list", debtor.name)["ious"]
        return [one for one in listed if one["note"] == note and one["mine_to_decide"]]

    (iou,) = creditor.until(f"the IOU for {note}", waiting)
    before = euros(debtor, creditor.name)
    creditor.json("iou", "accept", iou["id"])
    debtor.until("the acceptance", lambda: euros(debtor, creditor.name) != before)


def test_chats_groups_and_balances_go_on_after_a_restore(
    new_person: Any, befriend: Any, tmp_path: Path
) -> None:
    ann, ben, cleo = (new_person(name) for name in ("ann", "ben", "cleo"))
    befriend(ann, ben)
    befriend(ann, cleo)
    ann.json("group", "create", "trip", "--history", "all")
    for guest in (ben, cleo):
        ann.json("group", "invite", "trip", guest.name)
        guest.until("the invitation", lambda one=guest: one("group", "show", "trip").code == 0)
        guest.json("group", "accept", "trip")
        ann.until(
            "the member",
            lambda one=guest: (
                one.name in {member["name"] for member in ann.json("group", "show", "trip")["members"]}
            ),
        )
    ann.json("send", "ben", "before the backup")
    ben.reads("ann", "before the backup")
    owe(ann, ben, "5", "pizza")

    words = ann.json("backup", "words", "--yes")["words"]
    backup = tmp_path / "ann.p2pchat"
    ann.json("backup", "create", str(backup))  # while the node runs

    ann.json("send", "ben", "after the backup")
    ann.json("send", "#trip", "after the backup, to all")
    ben.json("send", "ann", "an answer to it")
    ann.reads("ben", "an answer to it")
    for person in (ben, cleo):
        person.reads("#trip", "after the backup, to all")
    ben.reads("ann", "after the backup")
    owe(ann, ben, "7", "taxi")
    old = ann.json("whoami")["device"]
    ann.kill()
    shutil.rmtree(ann.home)
    ben.json("send", "ann", "are you there?")

    restored = ann.json("backup", "restore", str(backup), stdin=words)
    assert restored["device"] != old
    ann.start()
    ann.reads("ben", "before the backup", "after the backup", "an answer to it", "are you there?")
    ann.until("the balance", lambda: euros(ann, "ben") == -1200)
    ann.json("send", "ben", "I am back")
    ben.reads("ann", "I am back")
    lines = [one["text"] for one in ben.messages("ann", "group")]
    assert lines == ["uses a new device"]
    owe(ben, ann, "2", "coffee")
    owe(ann, ben, "1", "tea")
    assert (euros(ann, "ben"), euros(ben, "ann")) == (-1100, 1100)
    ann.reads("#trip", "after the backup, to all")
    ann.json("send", "#trip", "back in the group")
    cleo.json("send", "#trip", "welcome back")
    for person in (ann, ben, cleo):
        person.reads("#trip", "back in the group", "welcome back")

    for person in (ann, ben, cleo):
        person.stop()
        assert person.content()["equivocation"] == []
