"""Commands that check protocol files and say what an amendment changes."""
