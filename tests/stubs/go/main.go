// A Go client as an integrator writes it: the stubs of all packages beside grpc-go, whose modules
// bring google.rpc, health and reflection. Two declarations of one symbol would end it at its start.
//
//	stubs DESCRIPTORS [ADDRESS]
//
// compares our copies of the public files, in DESCRIPTORS, with those that grpc-go brings, and reads
// an error's details back; with ADDRESS also those of a server there, its health and its services.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"time"

	adminv1 "fiscal/admin/v1"
	aggregationv1 "fiscal/aggregation/v1"
	auditv1 "fiscal/audit/v1"
	budgetv1 "fiscal/budget/v1"
	catalogv1 "fiscal/catalog/v1"
	configv1 "fiscal/config/v1"
	disclosurev1 "fiscal/disclosure/v1"
	errorv1 "fiscal/error/v1"
	federationv1 "fiscal/federation/v1"
	logv1 "fiscal/log/v1"
	methodv1 "fiscal/method/v1"
	submissionv1 "fiscal/submission/v1"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// What an integrator would call; here that it compiles is enough.
var _ = []any{
	adminv1.NewAdminServiceClient, aggregationv1.NewAggregationServiceClient,
	auditv1.NewAuditServiceClient, catalogv1.NewCatalogServiceClient, disclosurev1.NewDisclosureServiceClient,
	federationv1.NewFederationServiceClient, logv1.NewEventLogServiceClient,
	&budgetv1.LineItem{}, &configv1.ServeConfig{}, methodv1.E_Method,
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 && len(os.Args) != 3 {
		log.Fatal("usage: stubs DESCRIPTORS [ADDRESS]")
	}
	steps := []func() error{
		func() error { return compareWithPublic(os.Args[1]) },
		detailsInStream,
	}
	if len(os.Args) == 3 {
		steps = append(steps, func() error { return callServer(os.Args[2]) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			log.Fatal("tests/stubs/go: ", err)
		}
	}
}

// Our copies of google.rpc and grpc must be what grpc-go registered, or the one could not stand in
// for the other.
func compareWithPublic(path string) error {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(bytes, &set); err != nil {
		return err
	}
	compared := 0
	for _, ours := range set.File {
		name := ours.GetName()
		if !strings.HasPrefix(name, "google/rpc/") && !strings.HasPrefix(name, "grpc/") {
			continue
		}
		registered, err := protoregistry.GlobalFiles.FindFileByPath(name)
		if err != nil {
			return fmt.Errorf("%s: not a public file: %w", name, err)
		}
		theirs := protodesc.ToFileDescriptorProto(registered)
		for _, file := range []*descriptorpb.FileDescriptorProto{ours, theirs} {
			file.SourceCodeInfo = nil
			// Without meaning since protobuf 3.14; public copies differ in it.
			file.Options.CcEnableArenas = nil
			// What a compiler derives.
			clearJSONNames(file.MessageType)
		}
		if name == "grpc/health/v1/health.proto" {
			withoutList(theirs)
		}
		if !proto.Equal(ours, theirs) {
			return fmt.Errorf("%s differs from the public file:\nours   %v\npublic %v", name, ours, theirs)
		}
		compared++
	}
	if compared != 4 {
		return fmt.Errorf("%d public files were compared, not 4", compared)
	}
	return nil
}

func clearJSONNames(messages []*descriptorpb.DescriptorProto) {
	for _, message := range messages {
		for _, field := range message.Field {
			field.JsonName = nil
		}
		clearJSONNames(message.NestedType)
	}
}

// Newer public copies have a method that the server does not serve.
func withoutList(health *descriptorpb.FileDescriptorProto) {
	health.MessageType = slices.DeleteFunc(health.MessageType, func(m *descriptorpb.DescriptorProto) bool {
		return strings.HasPrefix(m.GetName(), "HealthList")
	})
	service := health.Service[0]
	service.Method = slices.DeleteFunc(service.Method, func(m *descriptorpb.MethodDescriptorProto) bool {
		return m.GetName() == "List"
	})
}

// A status with details goes into a message of ours, as bytes, and comes out as grpc-go reads it.
func detailsInStream() error {
	refused := status.New(codes.InvalidArgument, "2 fields fail")
	refused, err := refused.WithDetails(
		&errdetails.ErrorInfo{Reason: "CODE_MALFORMED", Domain: "fiscal"},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{
			Field: "line_items[17].functional_code", Description: "CODE_MALFORMED: 7 digits", Reason: "CODE_MALFORMED",
			LocalizedMessage: &errdetails.LocalizedMessage{Locale: "zh-CN", Message: "编码格式不正确"},
		}}})
	if err != nil {
		return err
	}
	bytes, err := proto.Marshal(&submissionv1.StreamBudgetsResponse{
		Outcome: &submissionv1.StreamBudgetsResponse_Error{Error: refused.Proto()},
	})
	if err != nil {
		return err
	}
	var answer submissionv1.StreamBudgetsResponse
	if err := proto.Unmarshal(bytes, &answer); err != nil {
		return err
	}
	return checkDetails(status.FromProto(answer.GetError()))
}

// What every refusal of fields has.
func checkDetails(refused *status.Status) error {
	var info *errdetails.ErrorInfo
	var bad *errdetails.BadRequest
	for _, detail := range refused.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			info = d
		case *errdetails.BadRequest:
			bad = d
		}
	}
	if refused.Code() != codes.InvalidArgument || info == nil || bad == nil || len(bad.FieldViolations) == 0 {
		return fmt.Errorf("not a refusal of fields: %v", refused)
	}
	if info.Domain != "fiscal" || !registered(info.Reason) {
		return fmt.Errorf("%s of %s is no registered reason", info.Reason, info.Domain)
	}
	for _, violation := range bad.FieldViolations {
		if !registered(violation.Reason) || violation.LocalizedMessage.GetLocale() != "zh-CN" ||
			violation.LocalizedMessage.GetMessage() == "" {
			return fmt.Errorf("a violation without its reason or message: %v", violation)
		}
	}
	return nil
}

// Reasons are answered without the prefix of their enum.
func registered(reason string) bool {
	return errorv1.Reason(0).Descriptor().Values().ByName(protoreflect.Name("REASON_"+reason)) != nil
}

func callServer(address string) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	health, err := grpc_health_v1.NewHealthClient(connection).Check(
		ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	if health.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("health is %v", health.Status)
	}
	_, err = submissionv1.NewSubmissionServiceClient(connection).SubmitBudget(ctx, &submissionv1.SubmitBudgetRequest{})
	if err := checkDetails(status.Convert(err)); err != nil {
		return err
	}

	stream, err := grpc_reflection_v1.NewServerReflectionClient(connection).ServerReflectionInfo(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
	}); err != nil {
		return err
	}
	answer, err := stream.Recv()
	if err != nil {
		return err
	}
	var names []string
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.Name)
	}
	for _, name := range []string{"fiscal.submission.v1.SubmissionService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"} {
		if !slices.Contains(names, name) {
			return fmt.Errorf("reflection lists no %s: %v", name, names)
		}
	}
	return stream.CloseSend()
}
