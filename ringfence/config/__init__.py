"""What can be configured: the catalogue, its text forms and the snapshot of all values."""
