"""Audio on the wire: RTP packets, a jitter buffer, G.711, telephone events. Pure."""
