"""Fetching: a publisher's answers over HTTP, files from a folder, and snapshots that keep their exact bytes.

What belongs here: how bytes come in and are kept. What does not: what the bytes mean (`readers`), and which
vintage of a delivery counts (`deliveries`).
"""
