"""Calls a feature server over gRPC with Feast's own stubs and prints the answers as JSON.

Usage: grpc_calls.py ADDRESS REQUESTS [CERTIFICATE]

With the file of a trusted CERTIFICATE the channel is encrypted.

REQUESTS is a JSON list of {"service": full name, "method": name, "request": message as JSON}. Messages
of feast.* are Feast's own classes; all others come from the server's reflection. An answer is the
message as JSON (default values written), or {"code": gRPC code, "details": text}.
"""

import json
import sys

import grpc
from feast.protos.feast.serving import ServingService_pb2
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

OWN = {
    "feast.serving.ServingService": ServingService_pb2.DESCRIPTOR.services_by_name["ServingService"],
    "grpc.health.v1.Health": health_pb2.DESCRIPTOR.services_by_name["Health"],
}


def service(name, reflection):
    return OWN.get(name) or DescriptorPool(reflection).FindServiceByName(name)


def call(channel, reflection, request):
    if request["service"] == "reflection":
        return sorted(reflection.get_services())
    method = service(request["service"], reflection).methods_by_name[request["method"]]
    answer_class = GetMessageClass(method.output_type)
    message = json_format.ParseDict(request["request"], GetMessageClass(method.input_type)())
    invoke = channel.unary_unary(
        f"/{request['service']}/{request['method']}",
        request_serializer=lambda m: m.SerializeToString(),
        response_deserializer=answer_class.FromString,
    )
    try:
        answer = invoke(message, timeout=30)
    except grpc.RpcError as error:
        return {"code": error.code().name, "details": error.details()}
    return json_format.MessageToDict(
        answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def open_channel(address, certificate):
    if certificate is None:
        return grpc.insecure_channel(address)
    with open(certificate, "rb") as file:
        return grpc.secure_channel(address, grpc.ssl_channel_credentials(file.read()))


def main(address, requests, certificate=None):
    with open_channel(address, certificate) as channel:
        reflection = ProtoReflectionDescriptorDatabase(channel)
        print(json.dumps([call(channel, reflection, r) for r in json.loads(requests)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
