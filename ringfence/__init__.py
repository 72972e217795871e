"""Ringfence: a security-first SIP desk phone for Linux."""

__version__ = "0.1.0"
