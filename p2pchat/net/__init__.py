"""The talking part: hosts, streams, dialling and gossip over libp2p."""
