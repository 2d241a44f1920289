"""The control room: pages over a living park, for people who signed in.

It shows and tries; it commands nothing. A page is one folder under `pages`.
"""
