"""Studies of years: what to build, and what a window of days cannot see.

A line belongs here if it decides about years. What a study needs of the world it is told: this room
does not know how a park is operated.
"""
