"""How the grid calls a park: what is asked for, and the sides that speak a protocol upwards.

A device is told what to do; a caller tells us. One file under `protocols` is one protocol.
"""
