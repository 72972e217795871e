"""The provider's own side of the server: a page, an API with tokens, and metrics."""
