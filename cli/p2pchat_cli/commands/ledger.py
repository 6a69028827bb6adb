"""`p2pchat ledger`: proofs for others, and books for other programs."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat.errors import ProtocolError, UsageError
from p2pchat_cli.message_lines import SHORT_ID
from p2pchat_cli.new_files import check_free, make_folder, read_whole, write_new
from p2pchat_cli.options import IouArgument, WhoArgument, session_of
from p2pchat_cli.style import accent, bad, good

_PAUSE_S: Final = 0.5
_ENDINGS: Final = {
    "hledger": "journal",
    "beancount": "beancount",
    "csv": "csv",
    "json": "json",
    "html": "html",
}

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")]
UnitOption = Annotated[
    str | None, typer.Option("--unit", metavar="UNIT", help="Which account, where there are several.")
]


class Format(StrEnum):
    """What other programs read."""

    HLEDGER = "hledger"
    BEANCOUNT = "beancount"
    CSV = "csv"
    JSON = "json"
    HTML = "html"


class Verdict(s.Result):
    """What a file proves."""

    kind: str
    persons: list[str]
    unit: str
    proven: list[str]
    not_proven: list[str]


def statement(
    ctx: typer.Context,
    who: WhoArgument,
    file: FileArgument,
    unit: UnitOption = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait until the contact's node confirms the balance.")
    ] = 10,
    challenge: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="8 to 32 bytes that the reader chose: shows that it is fresh."),
    ] = None,
) -> None:
    """Anybody can check the file with `p2pchat ledger verify`."""
    session = session_of(ctx)
    check_free(file)
    until = time.monotonic() + wait
    query = s.StatementQuery(who=who, unit=unit, challenge=_bytes_of(challenge))
    proof = session.call("ledger.statement", query, s.Proof)
    while not proof.countersigned and session.node_runs() and time.monotonic() < until:
        time.sleep(_PAUSE_S)
        proof = session.call("ledger.statement", query, s.Proof)
    write_new(file, proof.data)
    if proof.countersigned:
        lines = [f"{file}: the balance, signed by both."]
    else:
        lines = [
            f"{file}: every entry, each signed by whom it hurts. {who} has not confirmed the sum yet: "
            "once their node has answered, the same command writes the shorter statement."
        ]
    session.answer(proof, lines)


def receipt(ctx: typer.Context, iou_id: IouArgument, file: FileArgument) -> None:
    """It shows who conceded what, and whether the other accepted it; not that it still stands."""
    session = session_of(ctx)
    check_free(file)
    proof = session.call("ledger.receipt", s.IouId(id=iou_id), s.Proof)
    write_new(file, proof.data)
    signed = "signed by both" if proof.countersigned else "signed by whom it hurts, and not accepted yet"
    session.answer(proof, [f"{file}: one IOU, {signed}."])


def verify(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A proof, or an account exported as JSON.")],
) -> None:
    """Needs no profile, no node and no network; ends with exit code 2 if it proves nothing."""
    data = _read(file)
    try:
        verdict = _judge(data)
    except ProtocolError as error:
        raise ProtocolError(f"The file {file} proves nothing: {error}.") from error
    lines = [f"{verdict.kind} between {' and '.join(verdict.persons)} in {verdict.unit}"]
    lines += [f"{good('proven')}      {sentence}" for sentence in verdict.proven]
    lines += [f"{bad('not proven')}  {sentence}" for sentence in verdict.not_proven]
    session_of(ctx).answer(verdict, lines)


def export(
    ctx: typer.Context,
    format: Annotated[Format, typer.Option("--format", help="For which program.", show_default=False)],
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[WHO] FILE", help="One account and a file, or a folder for all.", show_default=False
        ),
    ],
    unit: UnitOption = None,
) -> None:
    """Files that are there already are left alone."""
    session = session_of(ctx)
    if len(words) > 2:
        raise UsageError("Name a contact and a file, or a folder alone.")
    *who, target = words
    query = s.BookQuery(format=format.value, who=who[0] if who else None, unit=unit)
    found = session.call("ledger.export", query, s.Books)
    files = _files(Path(target), found.books, format) if not who else [Path(target)]
    if len(files) != len(found.books):
        units = ", ".join(sorted(book.unit for book in found.books))
        raise UsageError(f"You have accounts with {who[0]} in {units}: name one with --unit.")
    for file in files:
        check_free(file)
    for file, book in zip(files, found.books, strict=True):
        write_new(file, book.data)
    session.answer(
        found,
        [f"{file}: {book.who}, {book.unit}" for file, book in zip(files, found.books, strict=True)],
    )


def forks(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Write the proofs into it.")
    ] = None,
) -> None:
    """Both entries count against whoever signed them, so nobody gains; but do not trust that device."""
    session = session_of(ctx)
    found = session.call("ledger.forks", s.Nothing(), s.Forks)
    lines = [
        f"{accent(one.who)}: device {one.device[:SHORT_ID]} signed two entries with one number, in {one.unit}"
        for one in found.forks
    ]
    if folder is not None:
        files = [folder / f"{index}.proof" for index in range(1, len(found.forks) + 1)]
        make_folder(folder)
        for file in files:
            check_free(file)
        for file, one in zip(files, found.forks, strict=True):
            write_new(file, one.data)
        lines += [f"{file}: the proof" for file in files]
    session.answer(found, lines or ["Nobody signed two entries with one number."])


def _files(folder: Path, books: list[s.Book], format: Format) -> list[Path]:
    make_folder(folder)
    names = [f"{''.join(filter(str.isalnum, book.who))}-{book.unit}" for book in books]
    endings = [name if names.count(name) == 1 else f"{name}-{index}" for index, name in enumerate(names)]
    return [folder / f"{name}.{_ENDINGS[format.value]}" for name in endings]


def _bytes_of(hexadecimal: str | None) -> bytes | None:
    try:
        return None if hexadecimal is None else bytes.fromhex(hexadecimal)
    except ValueError as error:
        raise UsageError("A challenge is written in hexadecimal, such as 00ff17a3c4d5e6f7.") from error


def _read(file: Path) -> bytes:
    from p2pchat.core.ledger.bundle import MAX_BUNDLE_BYTES

    return read_whole(file, MAX_BUNDLE_BYTES, "a proof")


def _judge(data: bytes) -> Verdict:
    # Loads the cryptography.
    from p2pchat.core.identity import fingerprint
    from p2pchat.core.ledger.verify import verify_bundle

    if data.startswith(b"{"):
        return _judge_archive(data)
    report = verify_bundle(data)
    account = report.account
    return Verdict(
        kind=report.kind.value,
        persons=[fingerprint(account.low), fingerprint(account.high)],
        unit=str(account.unit),
        proven=list(report.proven),
        not_proven=list(report.not_proven),
    )


def _judge_archive(data: bytes) -> Verdict:
    from p2pchat.core.identity import fingerprint
    from p2pchat.core.ledger.books.archive import read_archive
    from p2pchat.core.ledger.money import plain_number
    from p2pchat.core.ledger.state import fold

    try:
        archive = read_archive(data.decode())
    except UnicodeDecodeError as error:
        raise UsageError("This is neither a proof nor an exported account.") from error
    account = archive.account
    balance = fold(account, archive.devices, archive.entries).balance
    debtor, creditor = (account.high, account.low) if balance > 0 else (account.low, account.high)
    amount = f"{plain_number(abs(balance), account.unit)} {account.unit}"
    return Verdict(
        kind="export",
        persons=[fingerprint(account.low), fingerprint(account.high)],
        unit=str(account.unit),
        proven=[
            f"{len(archive.entries)} entries are signed by the devices named inside, and nothing was edited.",
            f"They add up to: {fingerprint(debtor)} owed {fingerprint(creditor)} {amount}.",
        ],
        not_proven=[
            "That these devices belong to the two: an export holds no certificates, a statement does.",
            "Completeness: whoever exported it may have left out the ends of chains.",
            "When this was signed: the dates are those of the signers' own clocks.",
        ],
    )
