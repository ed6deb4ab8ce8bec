"""The method of the paper: schedule, bilevel steps, stages, refinement."""
