"""Recorded runs: what takes longer than a chapter may. Each writes its command, seeds and results to results/."""
