"""Ways in which a page may fail, for the tests of everything that follows pages.

What belongs here: what goes wrong whatever stands on the page. What does not: pages of the wrong content, which each
test makes itself.
"""

from __future__ import annotations

import pytest

from tests.servers import cutting_off, refusing, replacing, showing_html, truncating, waiting

IN_PASSING = [
    pytest.param([refusing(429, {"Retry-After": "0"})], id="429 with Retry-After"),
    pytest.param([refusing(500), refusing(500)], id="500 twice"),
    pytest.param([waiting(0.8)], id="time-out"),
    pytest.param([cutting_off()], id="cut in mid-page"),
    pytest.param([truncating()], id="truncated JSON"),
    pytest.param([replacing(b'{"value":[]} {"value":[]}')], id="two documents"),
]
"""Faults, one after the other, behind which the page comes whole. A client waits less than 0.8 seconds for it."""

FOR_GOOD = [
    pytest.param(refusing(500), r"the server failed \(500\)", id="500 for good"),
    pytest.param(cutting_off(), "the connection was cut", id="cut every time"),
    pytest.param(truncating(), "the JSON is broken off", id="truncated every time"),
    pytest.param(showing_html(), "found an HTML page", id="HTML"),
    pytest.param(refusing(404), "not found", id="404 on a page"),
    pytest.param(replacing(b'{"values":[]}'), "found no list named 'value'", id="no list"),
]
"""A fault that comes every time, and what the error says of it, as a pattern."""
