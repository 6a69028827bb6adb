"""IOUs: from an amount that somebody types to a balance that two have signed."""
