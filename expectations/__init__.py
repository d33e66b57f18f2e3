"""What is expected of the tables of every layer, how it is checked, and what is told of it.

Suites declare checks; `run` validates them with Great Expectations, one suite per table; `docs` writes
the pages that show the results; `findings` turns failing rows into what the alerts work with. Importing
this package or its suites never imports Great Expectations: that takes seconds, and only a run that
validates should pay them.
"""
