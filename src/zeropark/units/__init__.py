"""What is true on paper with no park: quantities with their units, time grids, places, texts.

A line belongs here if it would hold for any site on Earth and needs no published number. This room
imports no other.
"""
