"""A Python client as an integrator writes it: the stubs of all packages beside grpcio-status and
googleapis-common-protos, which bring google.rpc. Two declarations of one symbol end it at its start.

    main.py DESCRIPTORS [ADDRESS]

compares our copy of google.rpc, in DESCRIPTORS, with the one that is installed, and reads an error's
details back; with ADDRESS also those of a server there.
"""

import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from fiscal.admin.v1 import admin_service_pb2_grpc
from fiscal.aggregation.v1 import aggregation_service_pb2_grpc
from fiscal.audit.v1 import audit_service_pb2_grpc
from fiscal.budget.v1 import budget_pb2
from fiscal.catalog.v1 import catalog_service_pb2_grpc
from fiscal.config.v1 import config_pb2, setting_pb2
from fiscal.disclosure.v1 import disclosure_service_pb2_grpc
from fiscal.error.v1 import reason_pb2
from fiscal.federation.v1 import federation_service_pb2_grpc
from fiscal.log.v1 import event_log_service_pb2_grpc
from fiscal.method.v1 import method_pb2
from fiscal.submission.v1 import submission_service_pb2, submission_service_pb2_grpc

# What an integrator would call; here that it loads is enough.
LOADED = [
    admin_service_pb2_grpc.AdminServiceStub,
    aggregation_service_pb2_grpc.AggregationServiceStub,
    audit_service_pb2_grpc.AuditServiceStub,
    budget_pb2.LineItem,
    catalog_service_pb2_grpc.CatalogServiceStub,
    config_pb2.ServeConfig,
    disclosure_service_pb2_grpc.DisclosureServiceStub,
    event_log_service_pb2_grpc.EventLogServiceStub,
    federation_service_pb2_grpc.FederationServiceStub,
    method_pb2.method,
    setting_pb2.Setting,
]


def compare_with_public(path):
    """Our copy must be the public one, or the one could not stand in for the other."""
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as file:
        files.ParseFromString(file.read())
    compared = 0
    for ours in files.file:
        if not ours.name.startswith("google/rpc/"):
            continue
        theirs = descriptor_pb2.FileDescriptorProto()
        descriptor_pool.Default().FindFileByName(ours.name).CopyToProto(theirs)
        for file in (ours, theirs):
            file.ClearField("source_code_info")
            # Without meaning since protobuf 3.14; public copies differ in it.
            file.options.ClearField("cc_enable_arenas")
            # What a compiler derives.
            clear_json_names(file.message_type)
        if ours != theirs:
            sys.exit(f"{ours.name} differs from the public file:\nours {ours}\npublic {theirs}")
        compared += 1
    if compared != 2:
        sys.exit(f"{compared} public files were compared, not 2")


def clear_json_names(messages):
    for message in messages:
        for field in message.field:
            field.ClearField("json_name")
        clear_json_names(message.nested_type)


class Call:
    """A call that ended with a status, as rpc_status reads it."""

    def __init__(self, status):
        self._status = rpc_status.to_status(status)

    def code(self):
        return self._status.code

    def details(self):
        return self._status.details

    def trailing_metadata(self):
        return self._status.trailing_metadata


def details_in_stream():
    """A status with details goes into a message of ours, as bytes, and comes out again."""
    refused = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="2 fields fail")
    refused.details.add().Pack(error_details_pb2.ErrorInfo(reason="CODE_MALFORMED", domain="fiscal"))
    violation = error_details_pb2.BadRequest.FieldViolation(
        field="line_items[17].functional_code",
        reason="CODE_MALFORMED",
        localized_message={"locale": "zh-CN", "message": "编码格式不正确"},
    )
    refused.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    answer = submission_service_pb2.StreamBudgetsResponse(error=refused)
    answer = submission_service_pb2.StreamBudgetsResponse.FromString(answer.SerializeToString())
    check_details(rpc_status.from_call(Call(answer.error)))


def check_details(status):
    """What every refusal of fields has."""
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        for message in (info, bad):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    if status.code != code_pb2.INVALID_ARGUMENT or not bad.field_violations:
        sys.exit(f"not a refusal of fields: {status}")
    reasons = [info.reason] + [v.reason for v in bad.field_violations]
    for reason in reasons:
        # Reasons are answered without the prefix of their enum.
        if "REASON_" + reason not in reason_pb2.Reason.keys():
            sys.exit(f"{reason} is no registered reason")
    for violation in bad.field_violations:
        if violation.localized_message.locale != "zh-CN" or not violation.localized_message.message:
            sys.exit(f"a violation without its message: {violation}")


def call_server(address):
    with grpc.insecure_channel(address) as channel:
        stub = submission_service_pb2_grpc.SubmissionServiceStub(channel)
        try:
            stub.SubmitBudget(
                submission_service_pb2.SubmitBudgetRequest(), timeout=60, wait_for_ready=True
            )
            sys.exit("an empty budget was taken")
        except grpc.RpcError as error:
            check_details(rpc_status.from_call(error))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: main.py DESCRIPTORS [ADDRESS]")
    compare_with_public(sys.argv[1])
    details_in_stream()
    if len(sys.argv) == 3:
        call_server(sys.argv[2])
