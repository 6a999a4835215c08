package main

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	podsecurity "k8s.io/pod-security-admission/policy"
)

var restricted = func() podsecurity.Evaluator {
	evaluator, err := podsecurity.NewEvaluator(podsecurity.DefaultChecks())
	if err != nil {
		panic(err)
	}
	return evaluator
}()

// checkPod looks at what the API server would accept and an operator regret.
func checkPod(workload *appsv1.StatefulSet, problems *Problems) {
	name := "StatefulSet/" + workload.Name
	spec := &workload.Spec.Template.Spec

	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, result := range restricted.EvaluatePod(level, &metav1.ObjectMeta{}, spec) {
		if !result.Allowed {
			problems.Add(name, "pod security standard `restricted`: %s: %s", result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
		problems.Add(name, "spec.template.spec.automountServiceAccountToken is not false")
	}
	// A Service called fiscal sets FISCAL_PORT and more.
	if spec.EnableServiceLinks == nil || *spec.EnableServiceLinks {
		problems.Add(name, "spec.template.spec.enableServiceLinks is not false")
	}
	if spec.SecurityContext == nil || spec.SecurityContext.FSGroup == nil {
		problems.Add(name, "spec.template.spec.securityContext.fsGroup is not set: the claim would be root's")
	}
	containers := append(append([]corev1.Container{}, spec.InitContainers...), spec.Containers...)
	for _, container := range containers {
		checkContainer(name, &container, problems)
	}
	for _, container := range spec.Containers {
		for _, entry := range []struct {
			field string
			probe *corev1.Probe
			path  string
		}{
			{"startupProbe", container.StartupProbe, "/healthz"},
			// A process that recovers lives: to restart it would begin the recovery again.
			{"livenessProbe", container.LivenessProbe, "/healthz"},
			{"readinessProbe", container.ReadinessProbe, "/readyz"},
		} {
			if entry.probe == nil {
				problems.Add(name, "container %s: has no %s", container.Name, entry.field)
			} else if get := entry.probe.HTTPGet; get == nil || get.Path != entry.path {
				problems.Add(name, "container %s: %s is no httpGet of %s", container.Name, entry.field, entry.path)
			} else if !containerHasPort(&container, get.Port) {
				problems.Add(name, "container %s: %s: there is no port %s", container.Name, entry.field, get.Port.String())
			}
		}
	}
}

func checkContainer(name string, container *corev1.Container, problems *Problems) {
	security := container.SecurityContext
	if security == nil || security.ReadOnlyRootFilesystem == nil || !*security.ReadOnlyRootFilesystem {
		problems.Add(name, "container %s: securityContext.readOnlyRootFilesystem is not true", container.Name)
	}
	for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if quantity, ok := container.Resources.Requests[resource]; !ok || quantity.IsZero() {
			problems.Add(name, "container %s: resources.requests.%s is not set", container.Name, resource)
		}
	}
	if quantity, ok := container.Resources.Limits[corev1.ResourceMemory]; !ok || quantity.IsZero() {
		problems.Add(name, "container %s: resources.limits.memory is not set", container.Name)
	}
	// After the last /, a colon is a tag and not a port.
	last := container.Image[strings.LastIndex(container.Image, "/")+1:]
	if !strings.Contains(last, ":") && !strings.Contains(last, "@") || strings.HasSuffix(last, ":latest") {
		problems.Add(name, "container %s: image %s is not of one version", container.Name, container.Image)
	}
}
