"""Groups: signed operations in a log, and the rules by which all members see the same membership."""
