import os
import socket
import stat
from pathlib import Path

import pytest

from p2pchat.api import endpoint
from p2pchat.errors import StoreError


def test_only_the_owner_reaches_the_socket_and_its_new_directory(tmp_path: Path) -> None:
    path = tmp_path / "home" / "node.sock"
    with endpoint.listen(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_listening_leaves_the_umask_as_it_was(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        endpoint.listen(tmp_path / "node.sock").close()
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


def test_nobody_listens_where_there_is_no_socket(tmp_path: Path) -> None:
    assert endpoint.connect(tmp_path / "node.sock") is None
    assert endpoint.connect(tmp_path / "nowhere" / "node.sock") is None


def test_the_socket_of_a_killed_node_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    endpoint.listen(path).close()  # closed, but the file stays, as after kill -9
    assert endpoint.connect(path) is None
    with endpoint.listen(path):
        connection = endpoint.connect(path)
        assert connection is not None
        connection.close()


def test_the_socket_of_a_live_node_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    with endpoint.listen(path) as first:
        with pytest.raises(StoreError, match="already runs"):
            endpoint.listen(path)
        connection = endpoint.connect(path)
        assert connection is not None
        first.settimeout(5)
        for _ in range(2):  # the probe of the second node, and ours
            first.accept()[0].close()
        connection.close()


def test_a_node_that_takes_no_connections_still_counts_as_live(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(path))
        busy.listen(0)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(str(path))
        with pytest.raises(StoreError, match="already runs"):
            endpoint.listen(path)
        for client in waiting:
            client.close()


def test_a_file_that_is_no_socket_is_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    path.write_text("precious")
    with pytest.raises(StoreError, match="in the way"):
        endpoint.listen(path)
    assert path.read_text() == "precious"


def test_a_directory_that_anybody_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(StoreError, match="chmod 700"):
        endpoint.listen(tmp_path / "node.sock")


def test_a_home_with_a_path_longer_than_a_socket_address_works(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-directory-name"] * 6)
    path = deep / "node.sock"
    with endpoint.listen(path):
        connection = endpoint.connect(path)
        assert connection is not None
        connection.close()


def test_a_directory_in_the_place_of_the_socket_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        endpoint.listen(tmp_path / "file" / "node.sock")
