"""The command line: a client of the local API."""
