"""The one place that knows the order in which a mail is received."""
