"""Many real nodes in one task, over a network in memory, in virtual time, from one seed."""
