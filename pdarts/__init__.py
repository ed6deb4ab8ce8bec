"""P-DARTS as a declarative workflow: progressive differentiable architecture search, retraining, testing, tables."""
