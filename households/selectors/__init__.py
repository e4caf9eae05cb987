"""Reads of the home role for pages, API and consumers. Raw readings are read through
``households.uploads.selectors``."""
