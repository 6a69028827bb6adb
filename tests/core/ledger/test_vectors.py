"""The bytes of docs/protocol/ledger.md, as other programs should make and read them."""

import json
from pathlib import Path

import pytest

from p2pchat.core.content import note_hash
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ledger import entry, expense
from p2pchat.core.ledger.account import open_account
from p2pchat.core.ledger.chains import heads_root
from p2pchat.core.ledger.state import fold
from p2pchat.core.ledger.units import read_unit
from p2pchat.core.ledger.verify import verify_bundle
from p2pchat.errors import DecodeError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "ledger.json").read_text())
KEYS = {owner["device"]: SigningKey(bytes.fromhex(owner["seed"])) for owner in VECTORS["devices"]}


def account():
    one, other = (PersonId(bytes.fromhex(person)) for person in VECTORS["account"]["persons"])
    return open_account(one, other, read_unit(VECTORS["account"]["unit"]))


def named(vectors):
    return pytest.mark.parametrize("vector", vectors, ids=[v.get("name") or v.get("kind") for v in vectors])


def test_the_account_id():
    assert account().id.hex() == VECTORS["account"]["id"]
    assert account().low.hex() == VECTORS["account"]["low"]


@named(VECTORS["entries"])
def test_an_entry(vector):
    raw, signature = bytes.fromhex(vector["raw"]), bytes.fromhex(vector["signature"])
    signed = entry.verify(raw, signature)
    assert signed.id.hex() == vector["id"]
    assert signed.entry.kind == vector["kind"]
    assert entry.sign(signed.entry, KEYS[signed.entry.device.hex()]) == signed


def test_every_kind_has_a_vector():
    assert {vector["kind"] for vector in VECTORS["entries"]} == {kind.value for kind in entry.Kind}


@pytest.mark.parametrize("name", VECTORS["refused"])
def test_a_refused_encoding(name):
    with pytest.raises(DecodeError):
        entry.decode(bytes.fromhex(VECTORS["refused"][name]))


@pytest.mark.parametrize("reverse", [False, True])
def test_what_the_entries_mean(reverse):
    owners = {
        DeviceId(bytes.fromhex(owner["device"])): PersonId(bytes.fromhex(owner["person"]))
        for owner in VECTORS["devices"]
    }
    signed = [entry.trust(bytes.fromhex(v["raw"]), bytes.fromhex(v["signature"])) for v in VECTORS["entries"]]
    state = fold(account(), owners, signed[::-1] if reverse else signed)
    assert {
        "balance": state.balance,
        "conceded": state.conceded,
        "held": state.held,
        "offered": state.offered,
        "concessions": {c.id.hex(): c.status.value for c in state.concessions.values()},
        "requests": {r.id.hex(): r.status.value for r in state.requests.values()},
        "agreed": sorted(agreed.hex() for agreed in state.agreed),
        "heads_root": heads_root(state.heads()).hex(),
    } == VECTORS["state"]


@pytest.mark.parametrize("vector", VECTORS["expenses"], ids=lambda vector: vector["mode"])
def test_an_expense(vector):
    bill = expense.decode(bytes.fromhex(vector["raw"]))
    assert expense.expense_id(bill).hex() == vector["id"]
    assert [[person.hex(), minor] for person, minor in expense.shares(bill).items()] == vector["shares"]


def test_a_note():
    note, salt = VECTORS["note"]["text"], bytes.fromhex(VECTORS["note"]["salt"])
    assert note_hash(note, salt).hex() == VECTORS["note"]["hash"]


@named(VECTORS["bundles"])
def test_a_bundle(vector):
    report = verify_bundle(bytes.fromhex(vector["data"]))
    assert report.kind == vector["kind"]
    assert report.balance == vector["balance"]
    assert list(report.proven) == vector["proven"]
