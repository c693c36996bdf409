"""Every message in or out, once, byte for byte."""
