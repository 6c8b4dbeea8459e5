"""Protocol deviations: the log of what differed from the protocol, opened by the system or by a person.

Facts are never refused because they deviate; the room that sees the deviation opens one here.
"""
