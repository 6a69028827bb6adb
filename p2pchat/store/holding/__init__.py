"""What a mailbox keeps for others, in a database of its own: boxes, their tags, and sealed parcels.

Nothing in here names a person or a device. Who deposited what is noted by friends alone, as a hash, for
their quotas.
"""
