"""The command line: a client of the local API."""

import gc

gc.set_threshold(50_000)  # importing makes much and throws nothing away: looking for garbage finds none
