"""Municipalities through time: which codes existed when, where their people went, and what they are called.

Pure functions on tables. What belongs here: the history of region codes, the weights that put figures on
the borders of one year, and the resolution of names and codes. What does not: reading files, the warehouse,
Dagster.
"""
