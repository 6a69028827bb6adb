"""Imports that libp2p makes and this program never uses.

libp2p imports all of its transports and services when it is imported: QUIC, WebSocket, mDNS, AutoTLS
and what these need. That was a third of the time that a node takes to start, and 20 MB. What stands in
`ABSENT` is empty to whoever imports it and gives a placeholder for each name, which can be derived from
but not called; what stands in `LATE` is loaded once something is asked of it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Final

ABSENT: Final = (
    "aioquic",  # QUIC and WebTransport
    "httpx",
    "libp2p.discovery.mdns",  # which announces only to its own kind
    "libp2p.peer.persistent",  # a peer store on disk: ours is the address book
    "libp2p.security.tls.autotls",  # certificates for browsers
    "libp2p.transport.quic.connection",
    "libp2p.transport.quic.listener",
    "libp2p.transport.quic.transport",
    "libp2p.transport.websocket",
    "libp2p.metrics",
    "libp2p.rcmgr.prometheus_exporter",
    "requests",
    "trio_websocket",
)
LATE: Final = frozenset({"dns.asyncresolver", "dns.resolver"})


class _Placeholder(type):
    """The class of all placeholders, so that they have any attribute and can be derived from."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _placeholder(f"{cls.__module__}.{cls.__qualname__}.{name}")

    def __call__(cls, *_: object, **__: object) -> object:
        raise ImportError(f"{cls.__module__}.{cls.__qualname__} is not loaded: p2pchat does without it")


def _placeholder(name: str) -> type:
    module, _, last = name.rpartition(".")
    return _Placeholder(last, (), {"__module__": module})


class _Empty(Loader):
    """Makes modules that hold nothing but placeholders."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)

        def give(name: str) -> type:
            if name.startswith("__"):
                raise AttributeError(name)
            found = _placeholder(f"{spec.name}.{name}")
            setattr(module, name, found)
            return found

        module.__getattr__ = give  # type: ignore[method-assign]
        return module

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Spare(MetaPathFinder):
    """Finds the modules that are to be spared."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if any(fullname == name or fullname.startswith(name + ".") for name in ABSENT):
            return ModuleSpec(fullname, _Empty(), is_package=True)
        if fullname not in LATE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


def install() -> None:
    """Spare them from now on; what has been imported stays."""
    if not any(isinstance(finder, _Spare) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Spare())
