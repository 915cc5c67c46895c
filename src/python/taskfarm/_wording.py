"""What the engine says of the options of its command line, in the words of those who called `map`: its keywords."""

from __future__ import annotations

import re

# In this order: what stands behind another one is what is left by it.
_PHRASES = [
    (r"choose another name with --output", "give another output="),
    (r"--output leaves it", "another output= leaves it"),
    (r"and the manifest has not: it is another campaign's output", "and this map has not: it is another one's output"),
    (r"--fresh\b", "fresh=True"),
    (r"--rerun (params|code) (?=drops|runs|makes)", r'rerun="\1" '),
    (r"--rerun (.*?): must be", r'rerun="\1": must be'),
    (r"--slots (\S*): must be", r"slots=\1: must be"),
    (r"with --slots (\d+)", r"with slots=\1"),
    (r"--slots\b", "slots="),
    (r"; move it away, or say --force \S+ to have it removed", "; move it away"),
    (r"; remove it, or say --touch", "; remove it"),
    (r"--salvage goes on", "the command taskfarm MANIFEST --salvage goes on"),
    (r'say "allow_empty": true if', 'give the axis as a dict with "allow_empty": True if'),
    (r'"allow_empty": true', '"allow_empty": True'),
    (r"because of --stop-with\b", "since the script says so"),
]

_RULES = [(re.compile(pattern), words) for pattern, words in _PHRASES]


def worded(text: str) -> str:
    """The same in keywords."""
    for pattern, words in _RULES:
        text = pattern.sub(words, text)
    return text
