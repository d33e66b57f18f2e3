"""Whom a municipality compares with, and what structure explains of what it spends.

Pure functions between core and marts: nearest neighbours on standardised characteristics (`neighbours`), the regression
of costs on structure over all municipalities (`regression`), and what a reference group would spend with a
municipality's own structure (`correction`). Numbers go in and out as numpy arrays; `tables` reads and writes Arrow.
"""
