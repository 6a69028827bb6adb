import stat
from pathlib import Path

import pytest

from p2pchat.config import Home, NetworkFile
from p2pchat.errors import StoreError, UsageError


def test_the_home_asked_for_wins_over_the_environment(tmp_path: Path) -> None:
    home = Home.locate(tmp_path / "alice", {"P2PCHAT_HOME": "/elsewhere"})
    assert home.store == tmp_path / "alice" / "store.db"


def test_the_environment_names_the_home() -> None:
    assert Home.locate(None, {"P2PCHAT_HOME": "/srv/alice"}).directory == Path("/srv/alice")
    assert Home.locate(None, {"XDG_DATA_HOME": "/srv/data"}).directory == Path("/srv/data/p2pchat")


def test_without_a_word_the_home_is_where_data_of_this_user_lives() -> None:
    expected = Path.home() / ".local" / "share" / "p2pchat"
    assert Home.locate(None, {}).directory == expected
    assert Home.locate(None, {"XDG_DATA_HOME": "relative/is/ignored"}).directory == expected


def test_a_new_home_is_closed_to_others(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "alice")
    home.create()
    home.create()
    assert stat.S_IMODE(home.directory.stat().st_mode) == 0o700


def test_a_file_in_the_way_of_a_home_is_the_disks_fault(tmp_path: Path) -> None:
    (tmp_path / "alice").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        Home(tmp_path / "alice").create()


def test_a_network_file_that_cannot_be_read_names_its_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"network\.toml cannot be read"):
        NetworkFile.read(Home(tmp_path).network_file)
    Home(tmp_path).network_file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not text"):
        NetworkFile.read(Home(tmp_path).network_file)


def test_a_home_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.hold(), pytest.raises(StoreError, match="in use by process"), home.hold():
        pytest.fail("held twice")
    with home.hold():
        assert home.lock.exists()


def test_profiles_with_names_lie_beside_each_other() -> None:
    environment = {"P2PCHAT_HOME": "/elsewhere", "XDG_DATA_HOME": "/srv/data"}
    assert Home.of_profile("work", environment).directory == Path("/srv/data/p2pchat/profiles/work")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x", "ä", "x" * 33, "a\nb"])
def test_what_is_no_name_is_no_profile(name: str) -> None:
    with pytest.raises(UsageError, match="no name"):
        Home.of_profile(name, {})
