"""A small ACS: it hears what phones say, and has them do what is asked of it, one at a time."""
