"""Any table of CBS, from whichever of its services knows it, as one Parquet file: one row per observation.

What belongs here: finding a table, taking its pages in as they come, and putting the file in its place when it is
whole. What does not: requests (`connectors`), what cells mean (`readers`), and the sources of the warehouse, which
are declared and kept as vintages of exact bytes.

Nothing here holds more than a few pages and one row group at a time: memory does not grow with the table.
"""
