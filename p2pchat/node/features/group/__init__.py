"""Groups: who belongs to them, their log, and what is written in them."""
