"""What every floor stands on: Actor, Action, Refusal, outbox, partial dates, abstract models, form and page helpers.

No trial nouns here: a subject, a visit or an adverse event belongs to a floor above.
"""
