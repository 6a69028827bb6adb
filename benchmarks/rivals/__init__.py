"""Other systems, each set up as its own documentation says, driven in the same way on loopback.

Nothing is shared with p2pchat but the driver: processes that obey lines of JSON (`driven`). What has to
be installed is said first; it goes into `.venv/rivals`, `.venv/rivals-matrix` and into the system (Debian).
"""
