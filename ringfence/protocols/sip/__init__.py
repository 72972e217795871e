"""SIP without sockets and clocks: messages, digest, registration, the answering side, framing."""
