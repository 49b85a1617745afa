"""End a training that somebody asked to stop: as Ctrl-C would, by a KeyboardInterrupt in its main thread.

Whatever the program does at Ctrl-C it does here too, its `finally` blocks and handlers included. A program that has
no use for one gives `Settings(stop_fn=…)`, as with W&B, and that is called instead.
"""

from __future__ import annotations

import signal
import sys
import threading
from importlib import import_module


def stop(act: object = None) -> None:
    """Call `act` in a thread of its own, if it can be called; else interrupt the main thread."""
    if callable(act):
        # It may wait for what only the calling thread does, such as the store in `finish`.
        threading.Thread(target=act, name="runcast-stop", daemon=True).start()
        return
    main = threading.main_thread()
    if main.ident is None or not main.is_alive():
        return
    if callable(signal.getsignal(signal.SIGINT)):
        # A real signal, unlike what `_thread` offers: it ends a sleep too.
        signal.pthread_kill(main.ident, signal.SIGINT)
    elif "ipykernel" not in sys.modules:
        # What a shell starts in the background ignores Ctrl-C, which is not meant for it; this is. A notebook ignores
        # it between two cells, where there is nothing to stop.
        ctypes = import_module("ctypes")
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(main.ident), ctypes.py_object(KeyboardInterrupt))
