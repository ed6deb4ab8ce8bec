"""Backends, which compute a node faster than PyTorch does: a folder for each, and the form in which all get a node."""
