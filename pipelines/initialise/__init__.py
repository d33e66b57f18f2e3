"""Setting up Nulmeting for one's own municipality: what `nulmeting init` asks, checks and writes.

What belongs here: the answers, the list of municipalities they are held against, and the files made of them. What does
not: the dialogue (`cli_init`), and what is wrong with an installation (`doctor`). Nothing here is heavy to import.
"""
