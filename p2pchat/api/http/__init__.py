"""The local API over HTTP on loopback, and the page that uses it (docs/decisions/0008)."""
