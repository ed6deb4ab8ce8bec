"""The textbook formulation: a module for every operation on every edge, and every gradient computed."""
