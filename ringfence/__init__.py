"""Ringfence: a security-first SIP desk phone for Linux."""

__version__ = "0.1.0"
MADE_AFTER = 1735689600.0
"""2025-01-01 in seconds since 1970: no release is older, and no true time is."""
