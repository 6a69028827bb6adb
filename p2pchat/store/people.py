"""Persons, their devices, and the addresses at which devices were met."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.store.transaction import Reader, Row, Transaction

_MAX_ADDRESSES = 16  # kept for one device; the ones that worked last stay

_DEVICE = "id, person, certificate, olm_identity, standing"
_PERSON = (
    "id, petname, claimed_name, state, verified, card_version, greeting, secret, since_ms,"
    " changed, introduced_by"
)


@dataclass(frozen=True, slots=True)
class Person:
    """A person as this store knows him."""

    id: PersonId
    petname: str
    claimed_name: str
    state: str  # requested | pending | accepted | rejected | blocked | member
    verified: bool
    card_version: int
    greeting: str
    secret: bytes | None
    since_ms: int
    changed: bool = False  # he was verified, then a device came: nothing is sent until I decide
    introduced_by: PersonId | None = None  # who vouches for a person that has not asked himself


@dataclass(frozen=True, slots=True)
class Device:
    """A device and whose it is; certificate and Olm key are None until it has said hello."""

    id: DeviceId
    person: PersonId
    certificate: bytes | None
    olm_identity: bytes | None
    standing: str  # met (it said hello) | listed (by a link or a card) | revoked (no longer on the card)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a device may be reached; times are 0 for never."""

    address: str
    worked_ms: int
    failed_ms: int


def person(tx: Reader, id: PersonId) -> Person | None:
    """The person `id`, or None."""

    def load() -> Person | None:
        row = tx.one(f"SELECT {_PERSON} FROM person WHERE id = ?", (id,))
        return _person(row) if row else None

    return tx.remembered("person", id, load)


def persons(tx: Reader, *states: str) -> list[Person]:
    """All persons in any of `states` (all, if none is named), by petname."""
    marks = ",".join("?" * len(states))
    where = f"WHERE state IN ({marks})" if states else ""
    return [
        _person(row) for row in tx.execute(f"SELECT {_PERSON} FROM person {where} ORDER BY petname", states)
    ]


def named(tx: Reader, petname: str) -> Person | None:
    """The person of exactly this petname, whatever the case of its letters."""

    def load() -> Person | None:
        row = tx.one(f"SELECT {_PERSON} FROM person WHERE petname = ?", (petname,))
        return _person(row) if row else None

    return tx.remembered("person", petname.encode("utf-8", "surrogatepass"), load)


def add_person(tx: Transaction, person: Person) -> None:
    """A person not known before."""
    tx.execute(
        f"INSERT INTO person ({_PERSON}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            person.id,
            person.petname,
            person.claimed_name,
            person.state,
            person.verified,
            person.card_version,
            person.greeting,
            person.secret,
            person.since_ms,
            person.changed,
            person.introduced_by,
        ),
    )


def set_state(tx: Transaction, id: PersonId, state: str) -> None:
    """Move a person to another state."""
    tx.execute("UPDATE person SET state = ? WHERE id = ?", (state, id))


def rename(tx: Transaction, id: PersonId, petname: str) -> None:
    """Give a person another petname, which must be free."""
    tx.execute("UPDATE person SET petname = ? WHERE id = ?", (petname, id))


def set_verified(tx: Transaction, id: PersonId, verified: bool) -> None:
    """Note whether the safety numbers were compared; either way I have decided about his devices."""
    tx.execute("UPDATE person SET verified = ?, changed = 0 WHERE id = ?", (verified, id))


def set_changed(tx: Transaction, id: PersonId) -> None:
    """A verified person has a device that I have not decided about."""
    tx.execute("UPDATE person SET verified = 0, changed = 1 WHERE id = ?", (id,))


def set_introducer(tx: Transaction, id: PersonId, introducer: PersonId | None) -> None:
    """Who vouches for a person; None once the person, or I, asked."""
    tx.execute("UPDATE person SET introduced_by = ? WHERE id = ?", (introducer, id))


def set_greeting(tx: Transaction, id: PersonId, greeting: str, secret: bytes | None) -> None:
    """What goes, or came, with the request of a person."""
    tx.execute("UPDATE person SET greeting = ?, secret = ? WHERE id = ?", (greeting, secret, id))


def set_card(tx: Transaction, id: PersonId, version: int, claimed_name: str, raw: bytes) -> None:
    """The newest card of a person."""
    tx.execute(
        "UPDATE person SET card = ?, card_version = ?, claimed_name = ? WHERE id = ?",
        (raw, version, claimed_name, id),
    )


def card(tx: Reader, id: PersonId) -> bytes | None:
    """The newest card of a person as he signed it, or None."""
    row = tx.one("SELECT card FROM person WHERE id = ?", (id,))
    return row[0] if row else None


def device(tx: Reader, id: DeviceId) -> Device | None:
    """The device `id`, or None."""

    def load() -> Device | None:
        row = tx.one(f"SELECT {_DEVICE} FROM device WHERE id = ?", (id,))
        return _device(row) if row else None

    return tx.remembered("device", id, load)


def devices(tx: Reader, person: PersonId) -> list[Device]:
    """The devices of a person to which something may be sent."""

    def load() -> list[Device]:
        return [one for one in all_devices(tx, person) if one.standing == "listed"]

    return tx.remembered("device", b"of " + person, load)


def all_devices(tx: Reader, person: PersonId) -> list[Device]:
    """Every device that a person ever had, as far as we know."""
    rows = tx.execute(f"SELECT {_DEVICE} FROM device WHERE person = ?", (person,))
    return [_device(row) for row in rows]


def add_device(tx: Transaction, id: DeviceId, person: PersonId) -> None:
    """A device that an invite link names; a revoked one stays so. The link outweighs what a card claimed."""
    tx.execute(
        """INSERT INTO device (id, person) VALUES (?1, ?2)
           ON CONFLICT DO UPDATE SET standing = 'listed' WHERE standing = 'met' AND person = ?2""",
        (id, person),
    )
    tx.execute(
        """UPDATE device SET person = ?2, certificate = NULL, olm_identity = NULL, standing = 'listed'
           WHERE id = ?1 AND person != ?2""",
        (id, person),
    )


def set_standing(tx: Transaction, id: DeviceId, standing: str) -> None:
    """Move a device to another standing."""
    tx.execute("UPDATE device SET standing = ? WHERE id = ?", (standing, id))


def set_box(tx: Transaction, id: DeviceId, box: bytes) -> None:
    """What a device's box is called, as its person's card says."""
    tx.execute("UPDATE device SET box = ? WHERE id = ?", (box, id))


def box_of(tx: Reader, id: DeviceId) -> bytes | None:
    """What a device's box is called, or None."""
    row = tx.one("SELECT box FROM device WHERE id = ?", (id,))
    return row[0] if row else None


def device_of_box(tx: Reader, box: bytes) -> DeviceId | None:
    """The device whose box is called so; None if there is none, or cards disagree."""
    rows = tx.execute("SELECT id FROM device WHERE box = ? LIMIT 2", (box,))
    return DeviceId(rows[0][0]) if len(rows) == 1 else None


def set_certificate(
    tx: Transaction,
    id: DeviceId,
    person: PersonId,
    certificate: bytes,
    olm_identity: bytes,
    *,
    standing: str = "met",
) -> None:
    """A device with its checked certificate; a device known before keeps its person and its standing."""
    tx.execute(
        """INSERT INTO device (id, person, certificate, olm_identity, standing) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE
           SET certificate = excluded.certificate, olm_identity = excluded.olm_identity
           WHERE person = excluded.person""",
        (id, person, certificate, olm_identity, standing),
    )


def forget_strangers(tx: Transaction, *, keep: DeviceId, most: int) -> None:
    """Of devices whose person we do not know, keep at most `most`, and `keep` among them."""
    rows = tx.execute(
        """DELETE FROM device WHERE id IN (
               SELECT id FROM device
               WHERE id != ? AND standing = 'met' AND person NOT IN (SELECT id FROM person)
               LIMIT -1 OFFSET ?) RETURNING id""",
        (keep, most),
    )
    tx.executemany("DELETE FROM ratchet WHERE device = ?", rows)


def addresses(tx: Reader, device: DeviceId) -> list[str]:
    """Where a device may be reached, the address that worked last first."""
    rows = tx.execute(
        "SELECT address FROM address WHERE device = ? ORDER BY worked_ms DESC, failed_ms, address", (device,)
    )
    return [row[0] for row in rows]


def known_addresses(tx: Reader, device: DeviceId) -> list[Address]:
    """As `addresses`, with when each last worked and failed."""
    rows = tx.execute(
        """SELECT address, worked_ms, failed_ms FROM address
           WHERE device = ? ORDER BY worked_ms DESC, failed_ms, address""",
        (device,),
    )
    return [Address(*row) for row in rows]


def add_addresses(tx: Transaction, device: DeviceId, found: Iterable[str]) -> None:
    """Remember addresses; of too many, those are forgotten that never worked or failed last."""
    tx.executemany(
        "INSERT OR IGNORE INTO address (device, address) VALUES (?, ?)", [(device, one) for one in found]
    )
    tx.execute(
        """DELETE FROM address WHERE device = ?1 AND address NOT IN (
               SELECT address FROM address WHERE device = ?1 ORDER BY worked_ms DESC, failed_ms LIMIT ?2)""",
        (device, _MAX_ADDRESSES),
    )


def address_worked(tx: Transaction, device: DeviceId, address: str, now_ms: int) -> None:
    """A device answered at `address`."""
    tx.execute(
        """INSERT INTO address (device, address, worked_ms) VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET worked_ms = excluded.worked_ms""",
        (device, address, now_ms),
    )


def address_failed(tx: Transaction, device: DeviceId, address: str, now_ms: int) -> None:
    """A device did not answer at `address`."""
    tx.execute("UPDATE address SET failed_ms = ? WHERE device = ? AND address = ?", (now_ms, device, address))


def _person(row: Row) -> Person:
    id, petname, claimed_name, state, verified, card_version, greeting, secret, since_ms, changed, by = row
    return Person(
        PersonId(id),
        petname,
        claimed_name,
        state,
        bool(verified),
        card_version,
        greeting,
        secret,
        since_ms,
        bool(changed),
        PersonId(by) if by else None,
    )


def _device(row: Row) -> Device:
    return Device(DeviceId(row[0]), PersonId(row[1]), row[2], row[3], row[4])
