"""Pure decisions that several features share."""
