"""The parts of all training: loop, schedules, metrics, resume files, tracking, provenance."""
