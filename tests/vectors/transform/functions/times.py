"""Dates, times, durations and zones in both modes."""
import numpy as np
import pandas as pd

from cases import case

T = {"t": "UNIX_TIMESTAMP"}
TU = {"t": "UNIX_TIMESTAMP", "u": "UNIX_TIMESTAMP"}
TIMES = {"t": "UNIX_TIMESTAMP", "u2": "UNIX_TIMESTAMP"}


@case(T, {"hour": "INT64", "day": "INT64", "weekend": "BOOL", "night": "BOOL", "month": "INT64", "year": "INT64"}, mode="pandas")
def parts_of_a_column_of_times(inputs):
    df = pd.DataFrame()
    df["hour"] = inputs["t"].dt.hour
    df["day"] = inputs["t"].dt.dayofweek
    df["weekend"] = inputs["t"].dt.weekday >= 5
    df["night"] = (inputs["t"].dt.hour >= 22) | (inputs["t"].dt.hour <= 6)
    df["month"] = inputs["t"].dt.month
    df["year"] = inputs["t"].dt.year
    return df


@case(T, {"minute": "INT64", "second": "INT64", "doy": "INT64", "quarter": "INT64", "start": "BOOL", "end": "BOOL", "week": "INT64", "dim": "INT64"}, mode="pandas")
def more_parts_of_a_column(inputs):
    when = inputs["t"].dt
    return pd.DataFrame({
        "minute": when.minute,
        "second": when.second,
        "doy": when.dayofyear,
        "quarter": when.quarter,
        "start": when.is_month_start,
        "end": when.is_year_end | when.is_leap_year,
        "week": when.isocalendar().week,
        "dim": when.days_in_month,
    })


@case(TIMES, {"days": "INT64", "seconds": "DOUBLE", "hours": "DOUBLE", "ratio": "DOUBLE", "later": "BOOL"}, mode="pandas")
def differences_of_columns(inputs):
    age = inputs["t"] - inputs["u2"]
    df = pd.DataFrame()
    df["days"] = age.dt.days
    df["seconds"] = age.dt.total_seconds()
    df["hours"] = age / np.timedelta64(1, "h")
    df["ratio"] = age / pd.Timedelta(days=7)
    df["later"] = inputs["t"] > inputs["u2"]
    return df


@case(T, {"since": "DOUBLE", "days": "INT64", "next": "UNIX_TIMESTAMP", "day": "UNIX_TIMESTAMP", "hour": "UNIX_TIMESTAMP", "same": "UNIX_TIMESTAMP"}, mode="pandas")
def times_made_of_times(inputs):
    out = pd.DataFrame()
    start = pd.Timestamp("2024-01-01", tz="UTC")
    out["since"] = (inputs["t"] - start).dt.total_seconds() / 86400
    out["days"] = (start - inputs["t"]).dt.days
    out["next"] = inputs["t"] + pd.Timedelta(days=1, hours=2)
    out["day"] = inputs["t"].dt.normalize()
    out["hour"] = inputs["t"].dt.floor("h")
    out["same"] = inputs["t"]
    return out


@case(T, {"local": "INT64", "day": "INT64", "naive": "INT64", "back": "UNIX_TIMESTAMP"}, mode="pandas")
def zones_of_columns(inputs):
    local = inputs["t"].dt.tz_convert("Europe/Berlin")
    df = pd.DataFrame()
    df["local"] = local.dt.hour
    df["day"] = inputs["t"].dt.tz_convert("America/New_York").dt.day
    df["naive"] = local.dt.tz_localize(None).dt.hour
    df["back"] = inputs["t"].dt.tz_localize(None)
    return df


@case(T, {"text": "STRING", "name": "STRING", "month": "STRING", "stamp": "STRING"}, mode="pandas")
def texts_of_columns_of_times(inputs):
    df = pd.DataFrame()
    df["text"] = inputs["t"].dt.strftime("%Y-%m-%d %H:%M:%S")
    df["name"] = inputs["t"].dt.day_name()
    df["month"] = inputs["t"].dt.month_name().str[:3]
    df["stamp"] = inputs["t"].dt.strftime("%d.%m.%y %j")
    return df


@case({"when": "STRING"}, {"hour": "INT64", "age": "DOUBLE", "stamp": "UNIX_TIMESTAMP"}, mode="pandas")
def texts_with_utc(inputs):
    when = pd.to_datetime(inputs["when"], utc=True)
    df = pd.DataFrame()
    df["hour"] = when.dt.hour
    df["age"] = (pd.Timestamp("2024-06-01T00:00:00Z") - when).dt.total_seconds()
    df["stamp"] = when
    return df


@case({"when": "STRING"}, {"hour": "INT64", "weekday": "INT64", "text": "STRING"}, mode="pandas")
def texts_with_their_own_zone(inputs):
    inputs["when"] = pd.to_datetime(inputs["when"])
    df = pd.DataFrame()
    df["hour"] = inputs["when"].dt.hour
    df["weekday"] = inputs["when"].dt.dayofweek
    df["text"] = inputs["when"].dt.strftime("%H:%M")
    return df


@case({"day": "STRING"}, {"month": "INT64", "known": "BOOL", "age": "DOUBLE"}, mode="pandas")
def days_with_a_format(inputs):
    day = pd.to_datetime(inputs["day"], format="%Y-%m-%d", errors="coerce")
    df = pd.DataFrame()
    df["month"] = day.dt.month
    df["known"] = day.notna()
    df["age"] = (pd.Timestamp("2024-07-01") - day).dt.days
    return df


@case({"a": "INT64", "f": "DOUBLE"}, {"hour": "INT64", "stamp": "UNIX_TIMESTAMP"}, mode="pandas")
def epochs_as_times(inputs):
    df = pd.DataFrame()
    seconds = inputs["a"].clip(-100000, 10000000)
    df["hour"] = pd.to_datetime(seconds * 3600, unit="s").dt.hour
    df["stamp"] = pd.to_datetime(seconds, unit="s", utc=True)
    return df


@case(T, {"bucket": "STRING", "days": "INT64"}, mode="pandas")
def functions_applied_to_times(inputs):
    def bucket(t):
        if pd.isna(t):
            return "none"
        if t.hour < 12:
            return "morning"
        return "evening" if t.dayofweek < 5 else "weekend"

    df = pd.DataFrame()
    df["bucket"] = inputs["t"].apply(bucket)
    df["days"] = inputs["t"].apply(lambda t: (pd.Timestamp("2025-01-01", tz="UTC") - t).days if pd.notna(t) else -1)
    return df


@case(T, {"hour": "INT64", "weekday": "INT64", "iso": "INT64", "year": "INT64", "text": "STRING", "stamp": "DOUBLE"})
def parts_of_python_times(inputs):
    out = {"hour": [], "weekday": [], "iso": [], "year": [], "text": [], "stamp": []}
    for t in inputs["t"]:
        if t is None:
            for values in ("hour", "weekday", "iso", "year", "stamp"):
                out[values].append(None)
            out["text"].append("never")
            continue
        out["hour"].append(t.hour * 60 + t.minute)
        out["weekday"].append(t.weekday())
        out["iso"].append(t.isoweekday() * 100 + t.isocalendar()[1])
        out["year"].append(t.year)
        out["text"].append(t.strftime("%Y/%m/%d %H:%M"))
        out["stamp"].append(t.timestamp())
    return out


@case(TIMES, {"days": "INT64", "hours": "DOUBLE", "recent": "BOOL", "date": "INT64"})
def differences_of_python_times(inputs):
    from datetime import timedelta

    def days(t, u):
        return (t - u).days

    rows = list(zip(inputs["t"], inputs["u2"]))
    return {
        "days": [days(t, u) if t is not None and u is not None else -1 for t, u in rows],
        "hours": [(t - u).total_seconds() / 3600 if t and u else None for t, u in rows],
        "recent": [bool(t and u and t - u < timedelta(days=365, hours=12)) for t, u in rows],
        "date": [(t.date() - u.date()).days if t and u else 0 for t, u in rows],
    }


@case(TIMES, {"days": "INT64"})
def difference_with_none_raises(inputs):
    return {"days": [(t - u).days for t, u in zip(inputs["t"], inputs["u2"])]}


@case(T, {"days": "INT64", "start": "UNIX_TIMESTAMP", "next": "UNIX_TIMESTAMP", "iso": "STRING", "text": "STRING", "hour": "INT64"}, singleton=True)
def times_made_in_python(inputs):
    import datetime as dt
    from zoneinfo import ZoneInfo

    t = inputs["t"]
    if t is None:
        return {"days": 0, "start": None, "next": None, "iso": "", "text": "none", "hour": -1}
    reference = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
    return {
        "days": (t - reference) // dt.timedelta(days=1),
        "start": t.replace(hour=0, minute=0, second=0, microsecond=0),
        "next": t + dt.timedelta(hours=1.5) * 2,
        "iso": t.isoformat(),
        "text": f"{t:%d %b %Y} {t.date()} {str(t)}",
        "hour": t.astimezone(ZoneInfo("Asia/Tokyo")).hour,
    }


@case({"day": "STRING"}, {"weekday": "INT64", "age": "INT64"})
def texts_read_by_strptime(inputs):
    from datetime import datetime

    reference = datetime(2024, 12, 31)
    days = [datetime.strptime(d, "%Y-%m-%d") for d in inputs["day"]]
    return {"weekday": [d.weekday() for d in days], "age": [(reference - d).days for d in days]}


@case({"when": "STRING"}, {"hour": "INT64", "utc": "UNIX_TIMESTAMP"})
def texts_read_by_fromisoformat(inputs):
    from datetime import datetime, timezone

    out = {"hour": [], "utc": []}
    for when in inputs["when"]:
        t = datetime.fromisoformat(when) if when else None
        out["hour"].append(t.hour if t else -1)
        out["utc"].append(t.replace(tzinfo=timezone.utc) if t else None)
    return out


@case({"a": "INT64"}, {"hour": "INT64", "stamp": "UNIX_TIMESTAMP"})
def epochs_in_python(inputs):
    from datetime import datetime, timezone

    times = [datetime.fromtimestamp(max(min(a or 0, 10**9), 0), tz=timezone.utc) for a in inputs["a"]]
    return {"hour": [t.hour for t in times], "stamp": times}


@case(T, {"days": "INT64"})
def age_now(inputs):
    from datetime import datetime, timezone

    now = datetime.now(timezone.utc)
    return {"days": [(now - t).days if t else 0 for t in inputs["t"]]}
