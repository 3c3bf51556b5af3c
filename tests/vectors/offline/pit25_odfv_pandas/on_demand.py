"""The on-demand view of this case, over the view that case.json describes."""
import pandas as pd
from feast import Field, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64
from stored import stats

request = RequestSource(name="req", schema=[Field(name="bump", dtype=Float64)])


@on_demand_feature_view(
    sources=[stats, request], schema=[Field(name="rate_plus", dtype=Float64)], mode="pandas"
)
def bumped(df: pd.DataFrame) -> pd.DataFrame:
    o = pd.DataFrame(); o["rate_plus"] = df["rate"] + df["bump"]; return o
