"""Commands that go on until they are told to end: by Ctrl-C, or by whoever supervises them."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

_ENDS = (signal.SIGINT, signal.SIGTERM)
_FOR_EVER = 10**9


@contextmanager
def until_told() -> Iterator[None]:
    """End the block, and with it nothing else, when SIGINT or SIGTERM comes.

    That holds also where a shell began the command in the background, which has it ignore SIGINT.
    """
    before = {one: signal.signal(one, signal.default_int_handler) for one in _ENDS}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def told_to_end(seconds: int = _FOR_EVER) -> bool:
    """Wait, and say True as soon as the process is told to end; False once the time is over."""
    told = True
    with until_told():
        time.sleep(seconds)
        told = False
    return told
