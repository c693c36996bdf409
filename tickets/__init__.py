"""Support: tickets, their messages, replies and notes."""
