"""A provider's network in namespaces, with real daemons and a phone in it."""
