"""Everything that training needs: the loop, schedules, metrics, resume files, tracking, provenance."""
