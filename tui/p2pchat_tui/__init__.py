"""The terminal UI: one more face, in a process of its own, that speaks to the node over the local API."""
