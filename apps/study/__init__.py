"""The study, its sites, and the protocol versions that were approved for it.

A protocol's content is `clinical/protocol`; this floor keeps the approved text and says which version serves whom.
"""
