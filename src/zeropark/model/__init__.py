"""What a park is, whoever asks: nodes, parties, tariffs, series, and the contract of an asset.

A line belongs here if planning, operating and proving would all say it the same way. Nothing here
solves, forecasts or reads a wire.
"""
