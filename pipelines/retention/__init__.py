"""What is kept no longer: persons who are erased on request, and what the rules of `[retention]` let go.

What belongs here: which rows, vintages and files may not stay, and removing them everywhere. What does not: making and
reading what is kept (`deliveries`, `connectors.snapshot`), and publications, which hold sums over many persons only.
"""
