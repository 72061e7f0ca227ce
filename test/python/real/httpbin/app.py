import sys
import types

try:
    import brotlicffi  # noqa: F401
except ImportError:  # it is native code, which httpbin imports at its top, but needs only for /brotli
    sys.modules["brotlicffi"] = types.ModuleType("brotlicffi")

from httpbin import app  # noqa: E402, F401
