"""The local API: one method table, served on a private socket."""
