"""One run of the `p2pchat` command: which profile it is for, how it reaches it, how it answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from p2pchat.api import schema as s
from p2pchat.api.client import NOT_RUNNING, Client, Until
from p2pchat.errors import InUseError, NetworkError, P2PChatError, StoreError, UsageError
from p2pchat.home import Home
from p2pchat_cli import output, passphrase
from p2pchat_cli.progress import working
from p2pchat_cli.text import as_sentence, harmless, harmless_json

if TYPE_CHECKING:
    from p2pchat.api.local import LocalClient

R = TypeVar("R", bound=s.Result)

# A node that has taken the home answers within so long, on a busy machine too; a command is faster.
PATIENCE_S: Final = 15.0


class Session:
    """What a command works with. The connection is made at the first call and closed at the end."""

    def __init__(self) -> None:
        self.home_option: str | None = None
        self.profile_option: str | None = None
        self.offline = False  # the store alone answers, and no network is touched
        self.passphrase_file: str | None = None
        self.json = False
        self._link: Client | LocalClient | None = None
        self._secret: str | None = None

    @cached_property
    def home(self) -> Home:
        """The profile that the person means.

        Raises:
            UsageError: it is named in two ways, or by no name.
        """
        if self.profile_option is not None:
            if self.home_option is not None:
                raise UsageError("Give --home or --profile: both name a profile.")
            return Home.of_profile(self.profile_option)
        return Home.locate(Path(self.home_option) if self.home_option else None)

    def call(self, method: str, params: s.Params, kind: type[R]) -> R:
        """What method `method` answers: of the running node, else carried out on the store right here.

        What peers wrote comes back harmless, unless the answer is meant for a program.

        Raises:
            P2PChatError: as the method does.
        """
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                if self._link is None:
                    self._link = self._connect()  # may ask for the passphrase
                with working("working"):
                    result = self._ask(method, params)
                break
            except InUseError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        assert isinstance(result, kind), f"{method} answers with a {type(result).__name__}"
        return result if self.json else clean(result)

    def _ask(self, method: str, params: s.Params) -> s.Result:
        assert self._link is not None
        try:
            return self._link.call(method, params)
        except InUseError:
            self.close()  # by the next time the node may answer, or another command be done
            raise

    def node_runs(self) -> bool:
        """Whether a node answers for this profile; keeps the connection to it."""
        if self._link is None and not self.offline:
            self._link = Client.connect_if_running(self.home.socket)
        return isinstance(self._link, Client)

    def follow(self, since: int, *, until: Until = None) -> Iterator[s.Event]:
        """Events after a cursor as they come (see Client.events), on the same connection as `call`.

        Raises:
            NetworkError: no node runs, or it went away.
        """
        if not self.node_runs():
            raise NetworkError(NOT_RUNNING)
        assert isinstance(self._link, Client)
        return self._link.events(since, until=until)

    def given_passphrase(self) -> str | None:
        """The passphrase in the environment or the file that the person named; None if there is none."""
        return passphrase.find(self.passphrase_file)

    def store_passphrase(self) -> str | None:
        """What opens the store, asked for at most once; None if no passphrase protects it."""
        # Loads the cryptography.
        from p2pchat.api.local import needs_passphrase

        if self._secret is None and needs_passphrase(self.home):
            self._secret = self.given_passphrase() or passphrase.ask()
        return self._secret

    def answer(self, result: s.Result, lines: Iterable[str], *, paged: bool = False) -> None:
        """Print `result` for a program, or `lines` for a person, perhaps `paged` where they are many."""
        if self.json:
            self.emit({"ok": True, "result": result})
        elif paged:
            from p2pchat_cli import pager

            pager.show("".join(f"{line}\n" for line in lines))
        else:
            self.say(lines)

    def say(self, lines: Iterable[str]) -> None:
        """Print lines for a person."""
        output.write("".join(f"{line}\n" for line in lines))

    def emit(self, envelope: dict[str, object]) -> None:
        """Print one JSON object on a line of its own."""
        output.write(harmless_json(msgspec.json.encode(envelope).decode()) + "\n")

    def hint(self, sentence: str) -> None:
        """Tell a person what they may want to know besides; not for programs."""
        if not self.json:
            sys.stderr.write(f"{harmless(sentence)}\n")

    def refuse(self, error: P2PChatError, *, result: s.Result | None = None) -> None:
        """Say on stderr, and for a program on stdout, why the command ends without success."""
        sentence = as_sentence(harmless(str(error)))
        if self.json:
            details = {
                "error": type(error).__name__,
                "exit_code": error.exit_code,
                "message": sentence,
            }
            envelope: dict[str, object] = {"ok": False, "error": details}
            self.emit(envelope if result is None else envelope | {"result": result})
        sys.stderr.write(f"p2pchat: {sentence}\n")

    def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _connect(self) -> Client | LocalClient:
        client = Client.connect_if_running(self.home.socket)
        if client is not None and self.offline:
            client.close()
            raise StoreError("A node runs on this profile and would send: stop it, or leave out --offline.")
        if client is not None:
            return client
        # Loads the cryptography and the store: only where no node does the work.
        from p2pchat.api.local import LocalClient

        return LocalClient(self.home, self.store_passphrase())


def clean(result: R) -> R:
    """`result` with every text in it made harmless; only a message's text may keep its lines."""
    changed = {
        field: _clean(getattr(result, field), keep_lines=field == "text")
        for field in result.__struct_fields__
    }
    return msgspec.structs.replace(result, **changed)


def _clean(value: object, *, keep_lines: bool = False) -> object:
    match value:
        case str():
            return harmless(value, keep_lines=keep_lines)
        case s.Result():
            return clean(value)
        case list():
            return [_clean(item) for item in value]
        case dict():
            return {key: _clean(item) for key, item in value.items()}
    return value
