"""Parts of `make gpu-check`: what is right on a GPU, and how fast it is."""
