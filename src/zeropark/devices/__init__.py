"""Devices: the only room that touches a wire.

One file is one protocol, one YAML file under `templates` is one device. Raw numbers become values
with their unit here and nowhere else.
"""
