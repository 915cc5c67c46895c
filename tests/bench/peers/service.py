"""A service of taskfarm that does what the peers' functions do."""

from taskfarm import serve


def increment(x):
    return {"y": x + 1}


serve(increment)
