"""Belege: positions, PDF and „abschicken“."""
