"""`p2pchat invite` and `p2pchat contact`: the people you know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat_cli.options import QrOption, WhoArgument, session_of
from p2pchat_cli.qr import answer_link
from p2pchat_cli.style import accent, bad, bold, dim, good
from p2pchat_cli.text import columns, harmless

_STATES = {
    "requested": "asked, no answer yet",
    "pending": "asks to be your contact",
    "accepted": "contact",
    "rejected": "rejected",
    "blocked": "blocked",
}


class QrCode(s.Result):
    """What a QR code says."""

    text: str


def invite(
    ctx: typer.Context,
    show_qr: QrOption = None,
) -> None:
    """The link, and on a terminal the same as a QR code."""
    session = session_of(ctx)
    made = session.call("invite.create", s.Nothing(), s.Invite)
    answer_link(session, made, made.link, show_qr)
    if not made.reachable:
        session.hint("The link holds no address yet: run your node once, so that it can be reached.")


def add(
    ctx: typer.Context,
    link: Annotated[
        str | None, typer.Argument(metavar="[LINK]", help="What `p2pchat invite` printed for them.")
    ] = None,
    qr: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Its QR code instead: an image, or the text of a terminal; - reads standard input.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="What to call the person [default: their own name].", show_default=False),
    ] = None,
    message: Annotated[str, typer.Option(help="A greeting that the person sees with your request.")] = "",
) -> None:
    """Ask; the person becomes a contact when they accept."""
    session = session_of(ctx)
    if (link is None) == (qr is None):
        raise UsageError("Give a link, or its QR code with --qr.")
    if qr is not None:
        from p2pchat_cli import qr_reading

        link = qr_reading.read(qr)
    assert link is not None
    params = s.AddContact(link=link, name=name, message=message)
    contact = session.call("contact.add", params, s.Contact)
    session.answer(contact, asked(contact))
    if not session.node_runs():
        session.hint("Your node is not running; the request goes out with `p2pchat run`.")


def read_qr(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="An image or a text; - reads standard input.")
    ] = "-",
) -> None:
    """Print what is in it, such as the link to join a network or a group."""
    from p2pchat_cli import qr_reading

    session = session_of(ctx)
    text = qr_reading.read(file)
    session.answer(QrCode(text=text), [harmless(text)])


def show_all(ctx: typer.Context) -> None:
    """Names, states and fingerprints."""
    session = session_of(ctx)
    found = session.call("contact.list", s.Nothing(), s.Contacts)
    rows = [(accent(one.name), _standing(one), dim(one.fingerprint)) for one in found.contacts]
    session.answer(found, columns(rows) or ["No contacts yet: p2pchat invite, or p2pchat contact add LINK."])


def show(ctx: typer.Context, who: WhoArgument) -> None:
    """All about one contact."""
    session = session_of(ctx)
    contact = session.call("contact.show", s.Who(who=who), s.Contact)
    session.answer(contact, _details(contact))


def rename(
    ctx: typer.Context,
    who: WhoArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call them from now on.")],
) -> None:
    """The new petname is known to you alone."""
    session = session_of(ctx)
    contact = session.call("contact.rename", s.Rename(who=who, name=name), s.Contact)
    session.answer(contact, [f"{accent(contact.name)} it is."])


def verify(ctx: typer.Context, who: WhoArgument) -> None:
    """Nothing is compared here: you did that, over the phone or eye to eye."""
    session = session_of(ctx)
    contact = session.call("contact.verify", s.Who(who=who), s.Contact)
    session.answer(
        contact, [f"{accent(contact.name)} is {good('verified')}.", *_number(contact.safety_number)]
    )


def trust(ctx: typer.Context, who: WhoArgument) -> None:
    """What waited for them goes out; they stay unverified."""
    session = session_of(ctx)
    contact = session.call("contact.trust", s.Who(who=who), s.Contact)
    session.answer(contact, [f"{accent(contact.name)} is trusted on the new device, unverified."])


def introduce(
    ctx: typer.Context,
    who: WhoArgument,
    to: Annotated[str, typer.Argument(metavar="TO", help="The other contact.")],
) -> None:
    """Each gets the signed card of the other and decides."""
    session = session_of(ctx)
    done = session.call("contact.introduce", s.Introduce(who=who, to=to), s.Done)
    session.answer(done, ["Introduced; they become contacts when both accept."])


def remove(
    ctx: typer.Context,
    who: WhoArgument,
    with_debts: Annotated[
        bool, typer.Option("--with-debts", help="Though something is owed or undecided; the IOUs stay.")
    ] = False,
) -> None:
    """They are not told; nothing is taken from them or sent to them, until one of you asks the other anew."""
    session = session_of(ctx)
    contact = session.call("contact.show", s.Who(who=who), s.Contact)
    done = session.call("contact.remove", s.RemoveContact(who=contact.person, with_debts=with_debts), s.Done)
    session.answer(done, [f"{accent(contact.name)} is no contact any more; the chat is in the archive."])


def block(ctx: typer.Context, who: WhoArgument) -> None:
    """Until `unblock`."""
    session = session_of(ctx)
    contact = session.call("contact.block", s.Who(who=who), s.Contact)
    session.answer(contact, [f"{accent(contact.name)} is {bad('blocked')}."])


def unblock(ctx: typer.Context, who: WhoArgument) -> None:
    """Undoes `block`."""
    session = session_of(ctx)
    contact = session.call("contact.unblock", s.Who(who=who), s.Contact)
    session.answer(contact, [f"{accent(contact.name)} is no longer blocked."])


def asked(contact: s.Contact) -> Iterator[str]:
    """What is said to who asked somebody, or accepted his request."""
    if contact.state == "accepted":
        yield f"{accent(contact.name)} is a contact now."
    else:
        yield f"Asked {accent(contact.name)}; you can write once they accept."
    yield from _number(contact.safety_number)


def _standing(contact: s.Contact) -> str:
    state = _STATES.get(contact.state, contact.state)
    marks = [good("verified")] if contact.verified else []
    marks += [bad("new device, not decided about")] if contact.undecided else []
    marks += [good("online")] if contact.connected else []
    return ", ".join([bad(state) if contact.state == "blocked" else state, *marks])


def _details(contact: s.Contact) -> Iterator[str]:
    yield f"{bold(contact.name)}  {_standing(contact)}"
    if contact.claimed_name != contact.name:
        yield f"calls themselves {contact.claimed_name}"
    if contact.message and contact.state == "pending":  # otherwise it is what I wrote to them
        yield f"wrote: {contact.message}"
    yield f"fingerprint    {contact.fingerprint}"
    if contact.words:
        yield f"in words       {contact.words}"
    yield from _number(contact.safety_number)
    if not contact.verified:
        yield dim(f"Compare it with theirs, then: p2pchat contact verify {contact.name}")


def _number(safety_number: str) -> list[str]:
    return [f"safety number  {safety_number}"] if safety_number else []
