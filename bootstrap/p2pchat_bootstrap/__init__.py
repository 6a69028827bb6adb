"""The node that operators run so that people find each other."""
