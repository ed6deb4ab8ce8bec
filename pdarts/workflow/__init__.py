"""Answers to the questions of `rules/*.smk`: which files a job reads, what it is told, what it asks a scheduler for."""
