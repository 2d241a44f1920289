"""One file is one protocol: its name is what a template's `protocol` says.

PORT, TLS_PORT: where a device usually listens. wrong_points(template): what of a template the
protocol does not know. driver(template, wire, clock): a driver of the device.
"""
