"""Prints the time of some hours ago as the Feast command line takes it (UTC, without a zone).

Usage: time_ago.py HOURS
"""

import json
import sys
from datetime import datetime, timedelta, timezone

moment = datetime.now(timezone.utc) - timedelta(hours=int(sys.argv[1]))
print(json.dumps(moment.strftime("%Y-%m-%dT%H:%M:%S")))
