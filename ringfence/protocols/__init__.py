"""Sans-IO wire formats and state machines; standard library only."""
