"""The outbox of the event streams: what is told, what is told once, and in which order."""
