"""Rendezvous at bootstrap nodes (libp2p specs, rendezvous, /rendezvous/1.0.0): a look-up in one step.

Each device has one namespace of its own, derived from the network and the device. So a point can be
asked for a device that the asker knows, as the table can, and for nothing else: one namespace for the
network would hand everybody the list of all who are online, one for a group would show the point who
belongs together.
"""
