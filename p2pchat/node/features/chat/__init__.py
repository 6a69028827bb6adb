"""Chats of two: contents, logs, envelopes, and what is seen of them."""
