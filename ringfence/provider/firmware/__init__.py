"""Images for phones: built from the package that is installed, and signed."""
