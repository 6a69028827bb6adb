"""The store's key comes back to whoever may have it, and to nobody else."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pchat.core import codec
from p2pchat.errors import StoreError, UsageError
from p2pchat.store import keystore
from p2pchat.store.keystore import Protection, create, protect, protection_of, unlock


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "store.key"


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id at its least cost, for tests that are not about the cost."""
    monkeypatch.setattr(keystore, "_OPERATIONS", 1)
    monkeypatch.setattr(keystore, "_MEMORY_BYTES", 8192)


def test_a_key_file_gives_the_key_back(key_file: Path) -> None:
    key = create(key_file, Protection.FILE)
    assert len(key) == 32
    assert unlock(key_file) == key
    assert protection_of(key_file) is Protection.FILE
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_a_passphrase_costs_256_mib_and_gives_the_key_back(key_file: Path) -> None:
    key = create(key_file, Protection.PASSPHRASE, "correct horse")
    header = codec.decode(key_file.read_bytes())
    assert isinstance(header, dict)
    assert (header["ops"], header["mem"]) == (3, 256 * 1024 * 1024)
    assert unlock(key_file, "correct horse") == key
    assert key not in key_file.read_bytes()
    assert protection_of(key_file) is Protection.PASSPHRASE


def test_a_wrong_or_missing_passphrase_is_refused(key_file: Path, cheap: None) -> None:
    create(key_file, Protection.PASSPHRASE, "correct horse")
    with pytest.raises(StoreError, match="The passphrase is wrong"):
        unlock(key_file, "correct horsf")
    with pytest.raises(StoreError, match="protected by a passphrase"):
        unlock(key_file)


def test_a_passphrase_is_the_same_however_its_accents_are_typed(key_file: Path, cheap: None) -> None:
    key = create(key_file, Protection.PASSPHRASE, "caf\u00e9")
    assert unlock(key_file, "cafe\u0301") == key


def test_the_passphrase_and_the_kind_of_protection_can_be_changed(key_file: Path, cheap: None) -> None:
    key = create(key_file, Protection.PASSPHRASE, "old")
    protect(key_file, unlock(key_file, "old"), Protection.PASSPHRASE, "new")
    with pytest.raises(StoreError, match="wrong"):
        unlock(key_file, "old")
    assert unlock(key_file, "new") == key
    protect(key_file, key, Protection.FILE)
    assert unlock(key_file) == key


def test_one_passphrase_never_seals_two_keys_alike(tmp_path: Path, cheap: None) -> None:
    create(tmp_path / "one", Protection.PASSPHRASE, "same")
    create(tmp_path / "two", Protection.PASSPHRASE, "same")
    one, two = (codec.decode((tmp_path / name).read_bytes()) for name in ("one", "two"))
    assert isinstance(one, dict)
    assert isinstance(two, dict)
    assert one["salt"] != two["salt"]
    assert one["nonce"] != two["nonce"]


@pytest.mark.parametrize(
    ("protection", "passphrase"),
    [(Protection.PASSPHRASE, ""), (Protection.FILE, "ignored?"), (Protection.KEYRING, "ignored?")],
)
def test_a_passphrase_is_given_exactly_where_one_is_used(key_file, protection, passphrase) -> None:
    with pytest.raises(UsageError):
        create(key_file, protection, passphrase)
    assert not key_file.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_file_that_others_may_read_is_refused(key_file: Path, mode: int) -> None:
    create(key_file, Protection.FILE)
    key_file.chmod(mode)
    with pytest.raises(StoreError, match=f"mode {mode:04o}.*chmod 600"):
        unlock(key_file)


def test_an_existing_key_is_never_overwritten_by_create(key_file: Path) -> None:
    key = create(key_file, Protection.FILE)
    with pytest.raises(StoreError, match="already"):
        create(key_file, Protection.FILE)
    assert unlock(key_file) == key


def test_a_missing_key_is_a_clear_error(key_file: Path) -> None:
    with pytest.raises(StoreError, match="There is no key at"):
        unlock(key_file)


def test_a_key_file_of_a_newer_version_is_refused(key_file: Path) -> None:
    create(key_file, Protection.FILE)
    key_file.write_bytes(codec.encode({"v": 2, "kind": "hologram"}))
    with pytest.raises(StoreError, match="newer p2pchat"):
        unlock(key_file)


def test_a_damaged_cost_keeps_nobody_busy(key_file: Path, cheap: None) -> None:
    create(key_file, Protection.PASSPHRASE, "old")
    header = codec.decode(key_file.read_bytes())
    assert isinstance(header, dict)
    for change in ({"mem": 1 << 40}, {"ops": 1 << 30}, {"ops": 0}, {"mem": 1}):
        key_file.write_bytes(codec.encode({**header, **change}))
        with pytest.raises(StoreError, match="damaged"):
            unlock(key_file, "old")


@pytest.mark.parametrize("protection", [Protection.FILE, Protection.PASSPHRASE])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_key_file_gives_an_error_or_the_key(key_file, cheap, protection, data) -> None:
    key_file.unlink(missing_ok=True)
    passphrase = "old" if protection is Protection.PASSPHRASE else ""
    key = create(key_file, protection, passphrase)
    content = bytearray(key_file.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    key_file.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        unlocked = unlock(key_file, passphrase)
    except StoreError:
        return
    if protection is Protection.PASSPHRASE:
        assert unlocked == key


def test_a_full_disk_leaves_the_old_protection(key_file: Path, cheap: None, monkeypatch) -> None:
    key = create(key_file, Protection.PASSPHRASE, "old")

    def no_space(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StoreError, match="No space left on device"):
        protect(key_file, key, Protection.PASSPHRASE, "new")
    assert unlock(key_file, "old") == key
    assert [file.name for file in key_file.parent.iterdir()] == ["store.key"]


class KeyringError(Exception):
    """What the third-party package raises."""


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """The optional package `keyring` with a desktop behind it, which no test machine has."""
    kept: dict[tuple[str, str], str] = {}
    module = types.ModuleType("keyring")
    module.__dict__.update(
        set_password=lambda service, entry, secret: kept.__setitem__((service, entry), secret),
        get_password=lambda service, entry: kept.get((service, entry)),
        delete_password=lambda service, entry: kept.pop((service, entry)),
        errors=types.SimpleNamespace(KeyringError=KeyringError),
    )
    monkeypatch.setitem(sys.modules, "keyring", module)
    return kept


def test_the_os_keyring_keeps_the_key_and_the_file_only_names_it(key_file: Path, keyring) -> None:
    key = create(key_file, Protection.KEYRING)
    assert unlock(key_file) == key
    assert list(keyring.values()) == [key.hex()]
    assert key not in key_file.read_bytes()


def test_a_key_gone_from_the_keyring_is_a_clear_error(key_file: Path, keyring) -> None:
    create(key_file, Protection.KEYRING)
    entry = next(iter(keyring))
    for secret in ("not hex", "00"):
        keyring[entry] = secret
        with pytest.raises(StoreError):
            unlock(key_file)
    keyring.clear()
    with pytest.raises(StoreError, match="holds no key"):
        unlock(key_file)


def test_a_keyring_that_fails_or_is_not_there_is_a_clear_error(key_file: Path, keyring, monkeypatch) -> None:
    def locked(*arguments: str) -> None:
        raise KeyringError("locked")

    create(key_file, Protection.KEYRING)
    monkeypatch.setattr(sys.modules["keyring"], "get_password", locked)
    with pytest.raises(StoreError, match="did not give the key: locked"):
        unlock(key_file)
    monkeypatch.setattr(sys.modules["keyring"], "set_password", locked)
    with pytest.raises(StoreError, match="did not take the key: locked"):
        protect(key_file, bytes(32), Protection.KEYRING)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(StoreError, match="not installed"):
        unlock(key_file)


def test_a_key_that_leaves_the_keyring_is_deleted_there(key_file: Path, keyring) -> None:
    key = keystore.create(key_file, Protection.KEYRING)
    keystore.change(key_file, "", Protection.FILE)
    assert keystore.unlock(key_file) == key
    assert keyring == {}


def test_a_change_with_the_wrong_passphrase_changes_nothing(key_file: Path) -> None:
    keystore.create(key_file, Protection.PASSPHRASE, "old")
    before = key_file.read_bytes()
    with pytest.raises(StoreError, match="wrong"):
        keystore.change(key_file, "guess", Protection.FILE)
    assert key_file.read_bytes() == before
