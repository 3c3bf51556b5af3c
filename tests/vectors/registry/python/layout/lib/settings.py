import os
from pathlib import Path

OWNER = os.environ.get("LARDER_TEST_OWNER", "nobody")
WINDOWS = {"1h": 3600, "1d": 86_400}
_HIDDEN = 1
ROOT = Path(__file__).resolve().parent.parent
