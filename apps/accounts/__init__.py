"""People who sign in: identity, password, lock-out. What they may do is `access`."""
