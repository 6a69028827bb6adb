import pytest
from hypothesis import given
from hypothesis import strategies as st
from p2pchat_bootstrap.settings import FILE_NAME, Listen, NodeLimits, Settings, write_default

from p2pchat.config import Home
from p2pchat.errors import UsageError

listens = st.builds(
    Listen, st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str), st.integers(0, 65535)
)
paths = st.text(st.characters(exclude_categories=["C"], exclude_characters="\x7f"), max_size=20)
all_settings = st.builds(
    Settings,
    name=st.just("friends"),
    listen=st.lists(listens, min_size=1, max_size=3).map(tuple),
    announce=st.lists(st.sampled_from(["/dns4/b.example/tcp/1", "/ip4/192.0.2.1/tcp/4001"])).map(tuple),
    pre_shared_key_file=paths,
    metrics=st.sampled_from(["", "127.0.0.1:0", "[::1]:9464"]),
    log=st.sampled_from(["text", "json"]),
    mailbox_database=st.sampled_from(["", 'postgresql://node:"@db.example/mailbox']),
    mailbox_token=st.text(st.characters(categories=["L", "N", "P"]), max_size=30),
    drain_seconds=st.integers(0, 3600),
    limits=st.builds(NodeLimits, connections=st.integers(1, 99), records=st.integers(0, 99)),
)


@given(all_settings)
def test_the_commented_file_says_what_was_set(settings: Settings) -> None:
    assert Settings.parse(settings.to_toml()) == settings


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name", "not TOML"),
        ("", "lack the network's name"),
        ('name = "Friends"', "not a network name"),
        ('name = "friends"\ncolour = 1', "unknown key: 'colour'"),
        ('name = "friends"\nlisten = "/ip4/0.0.0.0/tcp/1"', "'listen' has the wrong type"),
        ('name = "friends"\nlisten = []', "at least one"),
        ('name = "friends"\nlisten = ["/ip4/0.0.0.0/tcp/65536"]', "not a listen address"),
        ('name = "friends"\nlisten = ["/ip4/::/tcp/1"]', "not a listen address"),
        ('name = "friends"\nlisten = ["/ip4/0.0.0.0/udp/1"]', "not a listen address"),
        ('name = "friends"\nlisten = [4001]', "not a listen address"),
        ('name = "friends"\nannounce = ["boot.example.org"]', "is not an address like"),
        ('name = "friends"\nmetrics = "9464"', "not an endpoint"),
        ('name = "friends"\nmetrics = "localhost:9464"', "not an endpoint"),
        ('name = "friends"\nmetrics = "127.0.0.1:65536"', "not an endpoint"),
        ('name = "friends"\nlog = "xml"', '"text" or "json"'),
        ('name = "friends"\ndrain_seconds = -1', "drain_seconds"),
        ('name = "friends"\nmailbox_token = "' + 200 * "x" + '"', "mailbox_token has at most"),
        ('name = "friends"\nmailbox_database = "mysql://x"', "mailbox_database is"),
        ('name = "friends"\ndrain_seconds = true', "'drain_seconds' has the wrong type"),
        ('name = "friends"\n[limits]\ncolour = 1', "unknown key: 'colour'"),
        ('name = "friends"\n[limits]\nconnections = 0', "'connections' is not a whole number from 1"),
        ('name = "friends"\n[limits]\nrecords = 1.5', "'records' is not a whole number from 0"),
        ('name = "friends"\n[limits]\nrecords = true', "'records' is not a whole number"),
        ('name = "friends"\npre_shared_key_file = 7', "'pre_shared_key_file' has the wrong type"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Settings.parse(text)


def test_a_home_in_which_no_node_has_run_has_no_settings(tmp_path) -> None:
    assert Settings.read(Home(tmp_path)) is None


def test_the_key_file_is_found_beside_the_settings(tmp_path) -> None:
    home = Home(tmp_path)
    (tmp_path / "psk").write_text("AB" * 32 + "\n")
    write_default(home, Settings("friends", pre_shared_key_file="psk"))
    settings = Settings.read(home)
    assert settings is not None
    assert settings.pre_shared_key(home) == "ab" * 32


@pytest.mark.parametrize("content", ["", "ab", "zz" * 32])
def test_a_key_file_with_something_else_is_refused(tmp_path, content: str) -> None:
    (tmp_path / "psk").write_text(content)
    with pytest.raises(UsageError, match="64 hex digits"):
        Settings("friends", pre_shared_key_file="psk").pre_shared_key(Home(tmp_path))


def test_a_key_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(UsageError, match="psk cannot be read"):
        Settings("friends", pre_shared_key_file="psk").pre_shared_key(Home(tmp_path))


def test_settings_that_are_not_text_are_refused(tmp_path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\xff")
    with pytest.raises(UsageError, match="is not text"):
        Settings.read(Home(tmp_path))
