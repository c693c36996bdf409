"""Automatic answers to incoming mail, at most one a day."""
