"""Which finished results belong to the config, and notes on them."""
