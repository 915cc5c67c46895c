"""What has befallen the workers of a run, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_LINES = 3


def incident_lines(incidents: Sequence[Mapping[str, Any]]) -> list[str]:
    """The first few, a line each, and how many more there are."""
    lines = []
    for its in incidents[:MOST_LINES]:
        until = f", until {its['end']}" if "end" in its else ""
        lines.append(f"{its.get('text', '')} (since {its.get('since', '')}{until})")
    if len(incidents) > MOST_LINES:
        lines.append(f"and {len(incidents) - MOST_LINES} more: .incidents has all")
    return lines
