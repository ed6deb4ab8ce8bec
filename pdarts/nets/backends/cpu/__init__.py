"""Kernels for CPUs, compiled where they run."""
