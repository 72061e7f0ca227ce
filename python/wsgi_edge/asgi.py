"""Lets asgiref work without threads, for async views of Flask and Django: code that must not run in the thread of an event loop
is called directly."""

import asyncio
from asyncio import _get_running_loop, _set_running_loop
from contextvars import copy_context
from importlib.util import find_spec


def _async_to_sync(self, *args, **kwargs):
    if _get_running_loop() is not None:
        raise RuntimeError(
            "You cannot use AsyncToSync in the same thread as an async event loop - "
            "just await the async function directly."
        )
    contexts = []

    async def awaiting():
        try:
            return await self.awaitable(*args, **kwargs)
        finally:
            contexts.append(copy_context())

    try:
        return asyncio.run(awaiting())
    finally:
        _restore_context(*contexts)


async def _sync_to_async(self, *args, **kwargs):
    loop = _get_running_loop()
    _set_running_loop(None)  # Django refuses to use its database while a loop runs
    try:
        return self.func(*args, **kwargs) if self.context is None else self.context.run(self.func, *args, **kwargs)
    finally:
        _set_running_loop(loop)


if find_spec("asgiref") is not None:
    from asgiref.sync import AsyncToSync, SyncToAsync, _restore_context

    AsyncToSync.__call__ = _async_to_sync
    SyncToAsync.__call__ = _sync_to_async
