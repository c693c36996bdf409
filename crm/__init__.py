"""The page of an address: everything exchanged with it in one timeline, and writing to it."""
