"""Killing this program at random moments, and what must hold afterwards.

`kills` kills a forked child, at a random moment or at a random system call; the `work_*` modules are what such a child
does, and what must hold when it was killed; `table_hashes` says whether two publications tell the same;
`whole_runs` is the loop behind `make chaos`.
"""
