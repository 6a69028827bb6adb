"""Circuit relay v2: reaching a device that nobody can dial, through a node that both can reach.

Specification: https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md. The messages are the
specification's, so any libp2p relay serves us and ours serves any libp2p peer. libp2p 0.8.1's own
relay is not used: it reserves for whomever the request names, closes the streams of a device's other
circuits when one ends, notices the time limit only when data flows, and its client refuses relayed
addresses in `connect`.
"""
