"""Writes a registry with one object of every kind, made by Feast 0.67: python every_kind.py OUT."""
import sys, datetime as dt
from datetime import timedelta
from feast import *
from feast.types import *
from feast.data_format import *
from feast.data_source import *
from feast.protos.feast.core.Registry_pb2 import Registry
from feast.protos.feast.core import DataSource_pb2, FeatureView_pb2, SavedDataset_pb2, Permission_pb2, FeatureService_pb2
from feast.aggregation import Aggregation
from feast.value_type import ValueType
R=Registry(registry_schema_version="1"); P="every"
T=dt.datetime(2026,1,2,3,4,5,678901,tzinfo=dt.timezone.utc)
def put_source(s):
    s.created_timestamp=T; s.last_updated_timestamp=T
    p=s.to_proto(); p.project=P; p.data_source_class_type=f"{s.__class__.__module__}.{s.__class__.__name__}"; R.data_sources.append(p)
fs=FileSource(name="plain",path="data/a.parquet",timestamp_field="ts",created_timestamp_column="c",field_mapping={"x":"y"},description="d",tags={"k":"v"},owner="o",s3_endpoint_override="http://s3:9000",file_format=ParquetFormat())
srcs=[fs]
try: srcs.append(FileSource(name="delta",path="s3://b/d",timestamp_field="ts",file_format=DeltaFormat()))
except Exception as e: print("delta",e)
def attempt(label,f):
    try: srcs.append(f())
    except Exception as e: print(label,type(e),e)
attempt("push",lambda:PushSource(name="pushed",batch_source=fs,description="d"))
attempt("push bare",lambda:PushSource(name="pushed_bare"))
attempt("req",lambda:RequestSource(name="req",schema=[Field(name="a",dtype=Float64),Field(name="b",dtype=Array(String))]))
for i,f in enumerate([AvroFormat('{"type":"record"}'),JsonFormat("a int"),ProtoFormat("a.b.C")]):
    attempt("kafka",lambda:KafkaSource(name=f"kafka{i}",kafka_bootstrap_servers="h:9092",topic="t",timestamp_field="ts",message_format=f,batch_source=fs,watermark_delay_threshold=timedelta(minutes=5,milliseconds=1)))
attempt("kinesis",lambda:KinesisSource(name="kin",region="eu",stream_name="s",record_format=JsonFormat("a int"),timestamp_field="ts",batch_source=fs))
def big():
    from feast.infra.offline_stores.bigquery_source import BigQuerySource
    return BigQuerySource(name="bq",table="a.b.c",timestamp_field="ts")
attempt("bq",big)
def red():
    from feast.infra.offline_stores.redshift_source import RedshiftSource
    return RedshiftSource(name="rs",table="t",schema="s",database="d",timestamp_field="ts")
attempt("rs",red)
def snow():
    from feast.infra.offline_stores.snowflake_source import SnowflakeSource
    return SnowflakeSource(name="sf",table="t",schema="s",database="d",timestamp_field="ts")
attempt("sf",snow)
def trino():
    from feast.infra.offline_stores.contrib.trino_offline_store.trino_source import TrinoSource
    return TrinoSource(name="tr",table="t",timestamp_field="ts")
try:
    srcs.append(trino())
except ImportError: # the class needs its driver; the message does not
    S=DataSource_pb2.DataSource
    R.data_sources.append(S(name="tr",type=S.BATCH_TRINO,trino_options=S.TrinoOptions(table="t",query="q"),timestamp_field="ts",project=P,data_source_class_type="feast.infra.offline_stores.contrib.trino_offline_store.trino_source.TrinoSource"))
def athena():
    from feast.infra.offline_stores.contrib.athena_offline_store.athena_source import AthenaSource
    return AthenaSource(name="at",query="select 1",database="d",data_source="ds",timestamp_field="ts")
attempt("at",athena)
def spark():
    from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource
    from feast.table_format import IcebergFormat
    return SparkSource(name="spk",path="s3://b/p",file_format="parquet",timestamp_field="ts",table_format=IcebergFormat(catalog="c",namespace="n",properties={"p":"q"}))
attempt("spk",spark)
def pg():
    from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
    return PostgreSQLSource(name="pg",query="select 1",timestamp_field="ts")
try:
    srcs.append(pg())
except ImportError:
    R.data_sources.append(S(name="pg",type=S.CUSTOM_SOURCE,custom_options=S.CustomSourceOptions(configuration=b'{"query": "select 1"}'),timestamp_field="ts",project=P,data_source_class_type="feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source.PostgreSQLSource"))
def ice():
    from feast.infra.data_sources.contrib.iceberg_catalog.iceberg_source import IcebergSource
    return IcebergSource(name="ice",catalog_type="rest",catalog_name="c",endpoint="http://x",warehouse="w",namespace="n",table="t",timestamp_field="ts")
attempt("ice",ice)
for s in srcs:
    try: put_source(s)
    except Exception as e: print("put",s.name,type(e),e)
u=Entity(name="user",join_keys=["user_id"],value_type=ValueType.INT64,description="d",tags={"a":"b"},owner="o")
i=Entity(name="item",join_keys=["item_id"],value_type=ValueType.STRING)
for e in (u,i):
    e.created_timestamp=T; e.last_updated_timestamp=T
    p=e.to_proto(); p.spec.project=P; R.entities.append(p)
fv=FeatureView(name="fv",entities=[u,i],ttl=timedelta(days=1,seconds=2,microseconds=3),source=fs,online=True,offline=True,
  schema=[Field(name="user_id",dtype=Int64),Field(name="item_id",dtype=String),Field(name="f32",dtype=Float32,description="d",tags={"x":"y"}),Field(name="emb",dtype=Array(Float32),vector_index=True,vector_search_metric="COSINE",vector_length=3),
  Field(name="m",dtype=Map),Field(name="st",dtype=Struct({"a":Int64})),Field(name="nest",dtype=Array(Array(Int64))),Field(name="u",dtype=Uuid),Field(name="dec",dtype=Decimal)],description="d",tags={"t":"1"},owner="o")
fv.materialization_intervals=[(T,T+timedelta(hours=1)),(T+timedelta(hours=2),T)]
fv.created_timestamp=T; fv.last_updated_timestamp=T; fv.current_version_number=3
p=fv.to_proto(); p.spec.project=P; p.meta.state=4; p.spec.disabled=True; p.spec.org="org"; p.spec.enable_validation=True; p.meta.version_id="vid"; R.feature_views.append(p)
push=PushSource(name="pushed",batch_source=fs)
pv=FeatureView(name="pv",entities=[u],ttl=None,source=push,schema=[Field(name="user_id",dtype=Int64),Field(name="z",dtype=Int32)])
p=pv.to_proto(); p.spec.project=P; R.feature_views.append(p)
try:
    from feast.transformation.python_transformation import PythonTransformation
    bv=BatchFeatureView(name="bv",entities=[u],source=fs,schema=[Field(name="user_id",dtype=Int64),Field(name="z",dtype=Int32)],mode="python",udf=lambda x:x,udf_string="lambda x: x")
    p=bv.to_proto(); p.spec.project=P; R.feature_views.append(p)
except Exception as e: print("bv",type(e),e)
try:
    from feast.infra.offline_stores.file_source import FileSource as FS
    dv=BatchFeatureView(name="dv",entities=[u],source=[fv],sink_source=fs,schema=[Field(name="user_id",dtype=Int64),Field(name="z",dtype=Int32)],mode="python",udf=lambda x:x,udf_string="lambda x: x")
    p=dv.to_proto(); p.spec.project=P; R.feature_views.append(p)
except Exception as e: print("dv",type(e),e)
try:
    from feast.labeling import LabelView
    for nm,src in (("lv",fs),("lvp",push)):
        lv=LabelView(name=nm,entities=[u],source=src,ttl=timedelta(0),schema=[Field(name="user_id",dtype=Int64),Field(name="lab",dtype=String),Field(name="who",dtype=String)],labeler_field="who")
        lv.created_timestamp=T
        p=lv.to_proto(); p.spec.project=P; R.label_views.append(p)
except Exception as e: print("lv",type(e),e)
req=RequestSource(name="req",schema=[Field(name="a",dtype=Float64)])
od=OnDemandFeatureView(name="od",sources=[fv[["f32"]],req],schema=[Field(name="o",dtype=Float64)],feature_transformation=None,udf=lambda x:x,udf_string="lambda x: x",mode="python",singleton=True,write_to_online_store=False,entities=[u],description="d",tags={"a":"b"},owner="o")
p=od.to_proto(); p.spec.project=P; p.meta.current_version_number=2; p.meta.state=1; R.on_demand_feature_views.append(p)
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination
sv=FeatureService(name="svc",features=[fv[["f32"]].with_name("alias").with_join_key_map({"user_id":"buyer_id"}),pv],description="d",tags={"a":"b"},owner="o",logging_config=LoggingConfig(destination=FileLoggingDestination(path="logs",s3_endpoint_override="http://s3",partition_by=["d"]),sample_rate=0.25),precompute_online=True)
sv.created_timestamp=T
p=sv.to_proto(); p.spec.project=P; p.spec.features[0].version_tag=0; R.feature_services.append(p)
LC=FeatureService_pb2.LoggingConfig
for n,d in enumerate([LC(bigquery_destination=LC.BigQueryDestination(table_ref="t")),LC(redshift_destination=LC.RedshiftDestination(table_name="t")),LC(snowflake_destination=LC.SnowflakeDestination(table_name="t")),LC(athena_destination=LC.AthenaDestination(table_name="t")),LC(custom_destination=LC.CustomDestination(kind="k",config={"a":"b"})),LC(couchbase_columnar_destination=LC.CouchbaseColumnarDestination(database="d",scope="s",collection="c"))]):
    q=FeatureService_pb2.FeatureService(); q.CopyFrom(p); q.spec.name=f"svc{n}"; q.spec.logging_config.CopyFrom(d); R.feature_services.append(q)
from feast.permissions.permission import Permission
from feast.permissions.action import AuthzedAction
from feast.permissions.policy import *
for n,pol in enumerate([RoleBasedPolicy(["r"]),GroupBasedPolicy(["g"]),NamespaceBasedPolicy(["n"]),CombinedGroupNamespacePolicy(["g"],["n"])]):
    pm=Permission(name=f"perm{n}",types=[FeatureView,Entity],name_patterns=["a.*"],policy=pol,actions=[AuthzedAction.CREATE,AuthzedAction.READ_ONLINE],tags={"a":"b"},required_tags={"c":"d"})
    p=pm.to_proto(); p.spec.project=P; R.permissions.append(p)
pr=Project(name=P,description="d",tags={"a":"b"},owner="o"); R.projects.append(pr.to_proto())
open(sys.argv[1],'wb').write(R.SerializeToString(deterministic=True))
