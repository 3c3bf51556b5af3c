from .settings import *
from .helpers import make_view

__all__ = ["make_view", "OWNER", "WINDOWS"]
