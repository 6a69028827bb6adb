"""Finding devices of the same network in the LAN, by multicast DNS (RFC 6762, RFC 6763).

Announced are the device, a fingerprint of the network, and the concrete addresses we listen on; that
is readable for everyone in the LAN, which is why a person can switch it off.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Sequence
from typing import Final

import trio
from zeroconf import Error as ZeroconfError
from zeroconf import ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import tagged_hash
from p2pchat.errors import UsageError

logger = logging.getLogger(__name__)

SERVICE: Final = "_p2pchat._tcp.local."
_RESOLVE_MS: Final = 2000
_REVIEW_S: Final = 60.0  # how soon a changed address of ours is noticed
_FINGERPRINT_SIZE: Final = 8
_SEEN_KEPT: Final = 256  # anybody in the LAN may announce any number of devices


def fingerprint(name: str, psk: bytes | None) -> str:
    """What tells networks apart in a LAN: 16 hex digits that do not reveal the name or the key."""
    return tagged_hash("lan-network", name.encode(), psk or b"")[:_FINGERPRINT_SIZE].hex()


class LanFinder:
    """Announces one device, and remembers where others of the same network are.

    `network` is the fingerprint; `addresses` gives the addresses that we listen on.
    """

    def __init__(self, device: DeviceId, network: str, addresses: Callable[[], Sequence[str]]) -> None:
        self._device = device
        self._network = network
        self._addresses = addresses
        self._seen: dict[DeviceId, tuple[str, ...]] = {}

    def find(self, device: DeviceId) -> tuple[str, ...]:
        """Where `device` said it is in this LAN, without /p2p/; () if it did not."""
        return self._seen.get(device, ())

    async def run(self) -> None:
        """Announce and listen until cancelled; return, with a log line, where multicast is impossible."""
        while True:
            endpoints = announceable(self._addresses())
            if not endpoints:
                await trio.sleep(_REVIEW_S)
                continue
            try:
                await self._run_at(endpoints)
            except (OSError, ZeroconfError) as error:
                logger.info("The LAN cannot be searched: %s", error or type(error).__name__)
                return

    async def _run_at(self, endpoints: list[tuple[str, int]]) -> None:
        """Announce `endpoints` until they change."""
        token = trio.lowlevel.current_trio_token()

        def on_change(
            zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
        ) -> None:
            """Called in a thread of zeroconf's."""
            if state_change is ServiceStateChange.Removed:
                return
            try:
                info = zeroconf.get_service_info(service_type, name, timeout=_RESOLVE_MS)
                if info is not None:
                    token.run_sync_soon(self._report, info)
            except Exception as error:  # we are closing meanwhile, or a stranger's packets: a dozen kinds
                logger.debug("A device in the LAN was not resolved: %s", type(error).__name__)

        hosts = [host for host, _ in endpoints]
        zeroconf = await trio.to_thread.run_sync(lambda: Zeroconf(interfaces=hosts))
        try:
            await trio.to_thread.run_sync(zeroconf.register_service, self._service(endpoints))
            ServiceBrowser(zeroconf, SERVICE, handlers=[on_change])
            while announceable(self._addresses()) == endpoints:  # noqa: ASYNC110 -- the system tells nobody
                await trio.sleep(_REVIEW_S)
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(zeroconf.close)

    def _service(self, endpoints: list[tuple[str, int]]) -> ServiceInfo:
        return ServiceInfo(
            SERVICE,
            f"{self._device.text}.{SERVICE}",
            port=endpoints[0][1],
            parsed_addresses=[host for host, _ in endpoints],
            properties={"network": self._network, "device": self._device.text},
            server=f"{self._device.text}.local.",
        )

    def _report(self, info: ServiceInfo) -> None:
        properties = info.decoded_properties
        if properties.get("network") != self._network or not info.port:
            return
        try:
            device = DeviceId.parse(properties.get("device") or "")
        except UsageError:
            return
        addresses = tuple(f"/ip4/{host}/tcp/{info.port}" for host in info.parsed_addresses() if _is_ip4(host))
        if device != self._device and addresses:
            logger.info("Device %s is in the LAN.", device.short)
            self._seen.pop(device, None)
            self._seen[device] = addresses
            if len(self._seen) > _SEEN_KEPT:
                del self._seen[next(iter(self._seen))]


def announceable(addresses: Sequence[str]) -> list[tuple[str, int]]:
    """The IPv4 hosts and ports that can be announced: one port, no relays."""
    found = []
    for address in addresses:
        parts = address.split("/")
        if parts[1] == "ip4" and parts[3] == "tcp" and len(parts) == 5 and _is_ip4(parts[2]):
            found.append((parts[2], int(parts[4])))
    return [(host, port) for host, port in found if port == found[0][1]]


def _is_ip4(host: str) -> bool:
    try:
        return not ipaddress.IPv4Address(host).is_unspecified
    except ValueError:
        return False
