"""Sends recorded calls, byte for byte, and prints the answers in the form of the recording.

Usage: grpc_replay.py ADDRESS RECORDING
"""

import json
import sys

import grpc
from feast.protos.feast.serving import GrpcServer_pb2, ServingService_pb2
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

SERVICES = {
    "GrpcFeatureServer": GrpcServer_pb2.DESCRIPTOR,
    "feast.serving.ServingService": ServingService_pb2.DESCRIPTOR,
    "grpc.health.v1.Health": health_pb2.DESCRIPTOR,
}


def call(channel, exchange):
    if "method" not in exchange:
        return {"available": has_reflection(channel)}
    _, service, method = exchange["method"].split("/")
    descriptor = SERVICES[service].services_by_name[service.split(".")[-1]].methods_by_name[method]
    invoke = channel.unary_unary(
        exchange["method"], response_deserializer=GetMessageClass(descriptor.output_type).FromString
    )
    try:
        answer = invoke(bytes.fromhex(exchange["request_hex"]), timeout=60)
    except grpc.RpcError as error:
        return {"error": {"code": error.code().name, "details": error.details()[:300]}}
    return {"response": json_format.MessageToDict(answer, preserving_proto_field_name=True)}


def has_reflection(channel):
    invoke = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        request_serializer=lambda m: m.SerializeToString(),
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    try:
        list(invoke(iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=10))
    except grpc.RpcError:
        return False
    return True


def main(address, recording):
    with open(recording) as file:
        exchanges = json.load(file)["exchanges"]
    with grpc.insecure_channel(address) as channel:
        print(json.dumps([call(channel, exchange) for exchange in exchanges]))


if __name__ == "__main__":
    main(*sys.argv[1:])
