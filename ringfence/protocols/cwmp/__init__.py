"""CWMP, the protocol of TR-069, 1.0 to 1.4: what travels, for phone and ACS alike."""
