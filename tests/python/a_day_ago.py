"""Prints the time of 25 hours ago as the Feast command line takes it (UTC, without a zone)."""

import json
from datetime import datetime, timedelta, timezone

moment = datetime.now(timezone.utc) - timedelta(hours=25)
print(json.dumps(moment.strftime("%Y-%m-%dT%H:%M:%S")))
