"""The words of BIP39 (https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki) for seeds and keys.

The word list takes a moment to load, so it is loaded by whoever asks for words and by nobody else.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from p2pchat.core.ids import PersonId
from p2pchat.core.keys import SEED_SIZE, tagged_hash
from p2pchat.errors import UsageError

if TYPE_CHECKING:
    from mnemonic import Mnemonic

COUNT: Final = 24  # 256 bits and 8 of checksum
FINGERPRINT_COUNT: Final = 8  # 88 bits
_BITS: Final = 11  # in a word


def to_words(seed: bytes) -> str:
    """The 24 words that stand for 32 bytes: whoever has them is the person."""
    return str(_list().to_mnemonic(seed))


def from_words(text: str) -> bytes:
    """The 32 bytes behind 24 words, however they are spaced and capitalized.

    Raises:
        UsageError: there are not 24, one is not in the list, or one was taken for another.
    """
    words = text.lower().split()
    if len(words) != COUNT:
        raise UsageError(f"a recovery phrase has {COUNT} words, not {len(words)}")
    known = set(_list().wordlist)
    unknown = [word for word in words if word not in known]
    if unknown:
        raise UsageError(f"'{unknown[0]}' is not a word of a recovery phrase: check how it is written")
    phrase = " ".join(words)
    if not _list().check(phrase):
        raise UsageError("these words do not belong together: one is another than was written down")
    return bytes(_list().to_entropy(phrase))


def fingerprint_words(person: PersonId) -> str:
    """88 bits of a person's key as 8 words, for reading aloud."""
    bits = int.from_bytes(tagged_hash("fingerprint words", person)[: FINGERPRINT_COUNT * _BITS // 8], "big")
    words = _list().wordlist
    places = range(FINGERPRINT_COUNT - 1, -1, -1)
    return " ".join(words[bits >> place * _BITS & (1 << _BITS) - 1] for place in places)


def backup_key(seed: bytes) -> bytes:
    """The 32 bytes under which the backups of the person with this root seed are sealed."""
    assert len(seed) == SEED_SIZE
    return tagged_hash("backup key", seed)


@cache
def _list() -> Mnemonic:
    from mnemonic import Mnemonic

    return Mnemonic("english")
