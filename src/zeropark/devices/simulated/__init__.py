"""The device's end of a wire, for simulated sites and tests: faults are injected here."""
