"""Costs of a run, expected and actual."""
