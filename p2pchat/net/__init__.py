"""The talking part: hosts, streams, dialling and gossip over libp2p."""

from p2pchat.net import spared

spared.install()  # before anything here imports libp2p
