"""XMPP, as much of it as presence and waiting messages need."""
