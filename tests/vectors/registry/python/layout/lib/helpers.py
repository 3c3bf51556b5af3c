"""Views by the dozen."""
from datetime import timedelta

from feast import FeatureView, Field
from feast.types import Float64


def make_view(name, entity, source, *, windows, prefix="spend", **kwargs):
    """One feature per window."""
    fields = []
    for window in sorted(windows):
        fields.append(Field(name=f"{prefix}_{window}", dtype=Float64))
    longest = max(windows.values())
    return FeatureView(
        name=name,
        entities=[entity],
        schema=fields,
        source=source,
        ttl=timedelta(seconds=longest) * 2,
        **kwargs,
    )
