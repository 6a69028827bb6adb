"""Parcels for devices that are away, and who keeps them."""
