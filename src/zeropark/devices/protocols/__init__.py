"""One file is one protocol: its name is what a template's `protocol` says.

LISTENS: whether we listen and the device calls. PORT, TLS_PORT: where who listens usually does.
wrong_points(template): what of a template the protocol does not know.
driver(template, wire, clock): a driver of the device. discover(host, port, unit_id, seconds), where
a device can be asked what it is.
"""
