"""Being reached in spite of address translation: am I reachable, port mapping, hole punching."""
