"""What was given: administrations and their modifications, lymphodepletion, premedication, the cell product."""
