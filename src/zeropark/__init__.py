"""zeropark: the operating system of a zero-carbon industrial park.

One park file says what there is; the rooms below plan it, operate it and show it. Imports go down
only: faces, then the jobs (operate), ledger, assets and forecast, formulation, data, model, units.
"""

__version__ = "0.1.0"
