"""How well breaks are found: panels with known breaks, other methods, measures, and the report of them all.

What belongs here: whatever measures a detection. What does not: anything a detection itself uses.
"""
