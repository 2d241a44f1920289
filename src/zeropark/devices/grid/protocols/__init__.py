"""One file is one protocol by which a park is called: its name is what a caller's line says.

PORT, TLS_PORT: where it usually listens. side(line, wire, clock): our side of the wire.
"""
