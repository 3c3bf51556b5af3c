"""The on-demand view of this case, over the view that case.json describes."""
from feast import Field, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64
from stored import stats

request = RequestSource(name="req", schema=[Field(name="bump", dtype=Float64)])


@on_demand_feature_view(
    sources=[stats, request], schema=[Field(name="rate_plus", dtype=Float64)], mode="python"
)
def bumped(d):
    return {"rate_plus": [None if a is None or b is None else a + b for a, b in zip(d["rate"], d["bump"])]}
