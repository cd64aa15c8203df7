"""Measurements: one script a question, one JSON line each, ours beside its floor in the same run."""
