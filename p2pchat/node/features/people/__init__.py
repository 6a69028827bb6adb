"""Contacts, their cards and names, introductions, and a person who comes back with a new device."""
