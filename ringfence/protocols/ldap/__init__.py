"""LDAP as a client of a directory speaks it, without I/O."""
