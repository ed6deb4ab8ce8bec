"""What a run will cost, what it did cost, and which results belong to it."""
