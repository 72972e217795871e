"""SIP without a socket: messages, digest, registration and the challenge of INVITEs."""
