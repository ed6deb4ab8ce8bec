"""The method of the paper: schedule, bilevel optimization, stages, refinement."""
