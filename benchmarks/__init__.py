"""How fast this project is, as ratios to the textbook formulation of the same mathematics."""
