"""The Python half of wsgi-edge: what runs a WSGI application (PEP 3333) inside a gateway that is written in TypeScript."""
