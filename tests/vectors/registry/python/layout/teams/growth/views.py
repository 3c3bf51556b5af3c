import common
import lib.settings as settings
from common import events, shopper
from lib import OWNER, WINDOWS, make_view

from .names import NAMES

click_view, order_view = [
    make_view(NAMES[kind], shopper, events[kind], windows=WINDOWS, owner=OWNER, tags={"kind": kind})
    for kind in ("click", "order")
]
short = make_view(
    "short",
    common.shopper,
    events["click"],
    windows={k: v for k, v in WINDOWS.items() if v < 4000},
    prefix="n",
    online=bool(settings.WINDOWS) and not settings.OWNER.startswith("x"),
)

if __name__ == "__main__":
    raise SystemExit
