"""What two devices say to each other: envelopes of items, and the frames that carry them."""
