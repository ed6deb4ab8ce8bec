"""Checks of finished results against the config, and notes on them."""
