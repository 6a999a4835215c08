//go:build tools

package main

// The plugins are pinned together with the packages that their code needs.
import (
	_ "google.golang.org/grpc/cmd/protoc-gen-go-grpc"
	_ "google.golang.org/protobuf/cmd/protoc-gen-go"
)
