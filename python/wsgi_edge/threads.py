"""Gives requests that take turns between chunks a threading.local each, as threads would have. A request takes over the
values of one that has ended, as the next request of a thread does. Import it before the application."""

import _thread
import threading
from weakref import WeakValueDictionary

_locals = WeakValueDictionary()  # by id: a class may define __eq__ or __hash__
_arguments = {}  # of their __init__, by id
_kept = {}  # the values of requests that are between two chunks, by their number
_idle = []  # the values of requests that have ended meanwhile
_inside = False  # whether a call runs: one that comes out of it belongs to the same request
_current = None  # the request that the values are those of
_open = False  # whether it has more chunks


class local(_thread._local):
    def __new__(cls, /, *args, **kwargs):
        self = super().__new__(cls, *args, **kwargs)
        _locals[id(self)] = self
        if args or kwargs:
            _arguments[id(self)] = args, kwargs
        else:
            _arguments.pop(id(self), None)
        return self


def enter(request):
    """Begins a call for a request. Returns whether leave() must follow."""
    global _inside, _current
    if _inside:
        return False
    _inside = True
    if request != _current:
        own = _kept.pop(request, None)
        if _open or own is not None:
            values = [(each, _values(each).copy()) for each in _locals.values()]
            if _open:
                _kept[_current] = values
            else:
                _idle.append(values)
            _install(own if own is not None else _idle.pop() if _idle else [])
        _current = request
    return True


def leave(more):
    """Ends a call."""
    global _inside, _open
    _inside = False
    _open = more


def _values(each):
    return _thread._local.__getattribute__(each, "__dict__")


def _install(kept):
    own = {id(each): values for each, values in kept}
    for key, each in list(_locals.items()):
        _values(each).clear()
        if key in own:
            _values(each).update(own[key])
        else:
            args, kwargs = _arguments.get(key, ((), {}))
            type(each).__init__(each, *args, **kwargs)


threading.local = _thread._local = local
