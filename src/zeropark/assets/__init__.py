"""The kinds of asset a park can have, one file each.

A file holds the whole kind: nameplate, ports, rules as named pairs, physics for the simulated
plant, labels in English and Chinese, an example, its equation and source. Adding a kind adds one
file and edits none.
"""
