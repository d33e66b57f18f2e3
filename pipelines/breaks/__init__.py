"""Trend breaks: found by rule or against the peers, and attributed to registered events. Arrays only.

What belongs here: `detect` and what it needs. What does not: reading or writing tables, decisions of people,
texts that people read.
"""

from pipelines.breaks.detect import detect
from pipelines.breaks.panel import PanelError
from pipelines.breaks.result import Detection

__all__ = ["Detection", "PanelError", "detect"]
