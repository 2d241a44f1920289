"""How fast zeropark plans, beside hand-built arrays and other tools on the same problems."""
