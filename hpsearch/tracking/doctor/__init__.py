"""Damage left by kills and outages: found, and repaired."""
