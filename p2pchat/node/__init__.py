"""Brings core, store and net together, one file per feature."""
