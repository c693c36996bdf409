"""Which messages are kept for which account, and until when."""
