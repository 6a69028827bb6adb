"""The web page and the API over HTTP."""

from __future__ import annotations

from typing import Final

from p2pchat.api.schema.base import Done, Method, Nothing, Params, Result


class WebOpen(Params):
    """Serve the page, on this port if it is not served yet; 0: the port of last time, or any."""

    port: int = 0


class WebLink(Result):
    """A link that opens the page once, within `valid_s` seconds; whoever has it is logged in."""

    link: str
    valid_s: int


class WebToken(Result):
    """A token for scripts: send it as `Authorization: Bearer TOKEN` to `url` + "rpc" or "events"."""

    token: str
    url: str


class QrText(Params):
    """A text to be drawn as a QR code."""

    text: str


class Qr(Result):
    """A QR code as an SVG path of unit squares, in a square of `size` units with its quiet zone."""

    size: int
    path: str


METHODS: Final[dict[str, Method]] = {
    "web.open": Method(WebOpen, WebLink, "network", "Serve the web page and give a link to it"),
    "web.token": Method(Nothing, WebToken, "network", "A token for scripts that speak HTTP"),
    "web.close": Method(Nothing, Done, "network", "Serve no HTTP; end all its sessions and tokens"),
    "qr.draw": Method(QrText, Qr, "store", "Draw a QR code"),
}
