"""A company with living mail traffic, to try everything without any real mailbox: `make demo`."""
