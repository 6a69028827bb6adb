"""Mailboxes: what is left with a third party for a device that is away. Docs: docs/protocol/mailbox.md."""
