"""Voorbeeldland: a fictional country, made from a seed, in the wire format of CBS OData v4.

It gives the sample profile enough municipalities and half-years to detect breaks in, with a truth file beside
it, and never a made-up figure under a real municipality's name. What belongs here: making the sample. What
does not: reading it; the pipeline meets these bytes as it meets those of CBS.
"""

from pipelines.voorbeeldland.generator import generate

__all__ = ["generate"]
