"""What a patch is made of."""

from __future__ import annotations

from typing import Any


class Replacement:
    """`owner.name` of libp2p is to be `value` of ours; keeps what it replaces, so that tests can go back."""

    def __init__(self, owner: Any, name: str, value: Any) -> None:
        self.owner = owner
        self.name = name
        self.value = value
        self.original = vars(owner)[name]

    def apply(self) -> None:
        """Put ours in place."""
        setattr(self.owner, self.name, self.value)

    def revert(self) -> None:
        """Put libp2p's own back."""
        setattr(self.owner, self.name, self.original)
