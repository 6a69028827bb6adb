"""A vodozemac object that is alive, pickled, or both while the two are the same.

Loading costs nothing until the object is used, storing costs nothing while it has not changed, and a
step that failed half-way goes back to the pickle. The pickle is secret: `sealed_state` encrypts it
under the caller's key; vodozemac insists on a key of its own, which therefore is constant.
"""

from __future__ import annotations

from typing import Final, Generic, Protocol, Self, TypeVar

PICKLE_KEY: Final = bytes(32)


class Picklable(Protocol):
    """What vodozemac's accounts and sessions have in common."""

    @classmethod
    def from_pickle(cls, pickle: str, pickle_key: bytes) -> Self:
        """The object that `pickle` wrote; raises ValueError if it did not."""
        ...

    def pickle(self, pickle_key: bytes) -> str:
        """The object as text."""
        ...


T = TypeVar("T", bound=Picklable)


class Pickled(Generic[T]):
    """An object of `kind`, given alive or as a pickle that `frozen` gave."""

    __slots__ = ("_frozen", "_kind", "_live")

    def __init__(self, kind: type[T], state: T | str) -> None:
        self._kind = kind
        self._live = None if isinstance(state, str) else state
        self._frozen = state if isinstance(state, str) else None

    def live(self) -> T:
        """The object; call `changed` after changing it."""
        if self._live is None:
            assert self._frozen is not None
            self._live = self._kind.from_pickle(self._frozen, PICKLE_KEY)
        return self._live

    def frozen(self) -> str:
        """The pickle; what `restore` goes back to."""
        if self._frozen is None:
            assert self._live is not None
            self._frozen = self._live.pickle(PICKLE_KEY)
        return self._frozen

    def changed(self) -> None:
        """The live object counts from now on."""
        assert self._live is not None
        self._frozen = None

    def restore(self) -> None:
        """The last `frozen` counts again; what was done to the live object since is undone."""
        assert self._frozen is not None
        self._live = None

    def __repr__(self) -> str:
        return f"Pickled({self._kind.__name__})"
