"""A Kademlia table of signed address records: where a device can be reached now."""
