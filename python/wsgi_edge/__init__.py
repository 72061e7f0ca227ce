"""The Python half of wsgi-edge, which runs WSGI applications (PEP 3333) for a gateway that is written in TypeScript."""

from . import native  # noqa: F401
