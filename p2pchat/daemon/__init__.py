"""The process that hosts a node: home, network, node, local API and signals under one nursery."""

from p2pchat.daemon.process import main

__all__ = ["main"]
