"""One message per run that brings something new, through an outbox that loses nothing.

`findings` is what the checks of a run hand over, `message` the Dutch text of it, `outbox` what is open and
what still has to go out, `channels` the places it goes to, `dispatch` the two calls that the command line and
the Dagster sensor make. What does not belong here: deciding whether a check failed.

Importing this package loads no channel library; those are imported at the moment a message is sent.
"""
