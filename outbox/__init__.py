"""The one way out: queued mail, its delivery, its copy in the Sent folder."""
