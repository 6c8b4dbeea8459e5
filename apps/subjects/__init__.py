"""The subject: identity within the study, status timeline, and consent and protocol version as the gates see them."""
