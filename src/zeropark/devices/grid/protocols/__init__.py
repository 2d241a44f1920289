"""One file is one protocol by which a park is called: its name is what a caller's line says.

LISTENS: whether we listen and the caller calls. PORT, TLS_PORT: where who listens usually does.
side(line, wire, clock): our side of the wire.
"""
