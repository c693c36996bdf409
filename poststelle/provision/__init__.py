"""Everything an admin can set, from a TOML file: docs/provisioning.md."""
