"""The park minute by minute: the rolling planner, simple rules, foresight and the simulated plant.

A line belongs here if its step is minutes. The simulated plant answers through the same contract
as a real device, so that a test, a simulated run and the field run the same code.
"""
