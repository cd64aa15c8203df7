"""Reads across the tables of who."""
