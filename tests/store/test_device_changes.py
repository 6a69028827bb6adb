"""A store made before devices could be revoked opens with all its devices as they were."""

from __future__ import annotations

from pathlib import Path

from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.store import people
from p2pchat.store.database import Database
from p2pchat.store.fresh import make
from p2pchat.store.migrate import MIGRATIONS, load

KEY = b"k" * 32
FRIEND, STRANGER = PersonId(b"f" * 32), PersonId(b"s" * 32)
THEIRS, MET = DeviceId(b"1" * 32), DeviceId(b"2" * 32)


def test_devices_of_persons_are_listed_and_those_of_strangers_only_met(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    old = make(path, KEY, load(MIGRATIONS)[:1])
    old.execute(
        "INSERT INTO person (id, petname, claimed_name, state, verified, since_ms)"
        " VALUES (?, 'bob', 'bob', 'accepted', 1, 7)",
        (bytes(FRIEND),),
    )
    for device, person in ((THEIRS, FRIEND), (MET, STRANGER)):
        old.execute("INSERT INTO device (id, person) VALUES (?, ?)", (bytes(device), bytes(person)))
    old.close()
    with Database.open(path, KEY) as database:
        friend = database.read(lambda tx: people.person(tx, FRIEND))
        devices = database.read(lambda tx: [people.device(tx, one) for one in (THEIRS, MET)])
    assert friend is not None
    assert (friend.verified, friend.changed, friend.introduced_by) == (True, False, None)
    assert [one and one.standing for one in devices] == ["listed", "met"]
