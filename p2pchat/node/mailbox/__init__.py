"""Mailboxes over the network: serving one, leaving parcels at one, collecting one's own."""
