"""How a value that a transfer did not bring is told apart from one that a site says was not done."""

NOT_TRANSFERRED = "Not in the transferred datasets"
"""Why a field is blank after an import. It says nothing of the subject, so no dataset repeats it."""
