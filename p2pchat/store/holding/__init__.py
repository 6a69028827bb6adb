"""What a mailbox keeps for others, in a database of its own: boxes, their tags, and sealed parcels.

Nothing in here names a person, a device, or who deposited what.
"""
