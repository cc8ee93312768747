"""Data that every reader has: sequences into batches, digits, Python's own source, small made-up tasks."""
