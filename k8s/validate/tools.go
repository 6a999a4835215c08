//go:build tools

package main

// What renders is pinned together with what validates.
import _ "sigs.k8s.io/kustomize/kustomize/v5"
