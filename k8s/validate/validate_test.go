package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

var overlays = []string{"single", "city", "province"}

// sources reads k8s/ into memory, where a case may change it.
func sources(t *testing.T) filesys.FileSystem {
	t.Helper()
	memory := filesys.MakeFsInMemory()
	err := filepath.Walk("..", func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return memory.WriteFile(filepath.Join("/k8s", strings.TrimPrefix(path, "..")), text)
	})
	if err != nil {
		t.Fatal(err)
	}
	return memory
}

func render(t *testing.T, from filesys.FileSystem, overlay string) []byte {
	t.Helper()
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(from, "/k8s/overlays/"+overlay)
	if err != nil {
		t.Fatal(err)
	}
	text, err := rendered.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestEachOverlayHolds(t *testing.T) {
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			_, problems := Validate(render(t, sources(t), overlay))
			for _, problem := range problems {
				t.Error(problem)
			}
		})
	}
}

// The overlay of a county leaves monitoring out by default; it must hold with it.
func TestCountyHoldsWithMonitoring(t *testing.T) {
	from := sources(t)
	replace(t, from, "overlays/single/kustomization.yaml", "# components:", "components:")
	objects, problems := Validate(render(t, from, "single"))
	for _, problem := range problems {
		t.Error(problem)
	}
	if len(objects.monitors) != 1 || len(objects.rules) != 1 {
		t.Errorf("%d ServiceMonitors and %d PrometheusRules, one each expected", len(objects.monitors), len(objects.rules))
	}
}

func TestProvinceFollowsThreeCities(t *testing.T) {
	objects, _ := Validate(render(t, sources(t), "province"))
	var found []string
	for _, workload := range objects.workloads {
		config, err := serveOf(objects, workload, &workload.Spec.Template.Spec.Containers[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, upstream := range config.Submission.Upstreams {
			found = append(found, config.Role+" "+upstream.Name+"="+upstream.Address)
		}
	}
	want := []string{
		"submission lvliang=fiscal-submission.fiscal-lvliang.svc:7411",
		"submission taiyuan=fiscal-submission.fiscal-taiyuan.svc:7411",
		"submission datong=fiscal.datong.example:7411",
	}
	if strings.Join(found, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
}

// Another configuration is another ConfigMap, and its name stands in the pods: that is what replaces them.
func TestAnotherConfigurationReplacesThePods(t *testing.T) {
	nameOfConfig := func(from filesys.FileSystem) string {
		objects, problems := Validate(render(t, from, "single"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, volume := range objects.workloads[0].Spec.Template.Spec.Volumes {
			if volume.ConfigMap != nil {
				return volume.ConfigMap.Name
			}
		}
		t.Fatal("no ConfigMap is mounted")
		return ""
	}
	before, from := nameOfConfig(sources(t)), sources(t)
	replace(t, from, "base/all/serve.yaml", "watchers_max: 2000", "watchers_max: 3000")
	if after := nameOfConfig(from); before == after {
		t.Errorf("both configurations are called %s", before)
	}
}

// replace changes the one place where `old` stands.
func replace(t *testing.T, in filesys.FileSystem, file, old, new string) {
	t.Helper()
	text, err := in.ReadFile("/k8s/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), old); n != 1 {
		t.Fatalf("%s: %q stands there %d times, not once", file, old, n)
	}
	if err := in.WriteFile("/k8s/"+file, []byte(strings.Replace(string(text), old, new, 1))); err != nil {
		t.Fatal(err)
	}
}

// A mistake in the sources, and what must be said of it.
func TestMistakesAreNamed(t *testing.T) {
	const (
		pod      = "components/process/pod.yaml"
		policies = "components/process/network_policy.yaml"
		all      = "base/all/stateful_set.yaml"
		service  = "base/all/service.yaml"
		serve    = "base/all/serve.yaml"
		readers  = "base/split/aggregation.yaml"
		writer   = "base/split/submission.yaml"
		reading  = "base/split/aggregation.serve.yaml"
		between  = "base/split/network_policy.yaml"
		above    = "overlays/province/upstreams_network_policy.yaml"
		monitor  = "monitoring/service_monitor.yaml"
	)
	for _, c := range []struct{ name, overlay, file, old, new, want string }{
		// Misspelt: real types refuse what they do not have.
		{"replicas", "single", all, "replicas: 1", "replica: 1", `StatefulSet/fiscal: unknown field "spec.replica"`},
		{"read-only root", "single", pod, "readOnlyRootFilesystem", "readOnlyRootFileSystem",
			`unknown field "spec.template.spec.containers[0].securityContext.readOnlyRootFileSystem"`},
		{"probe", "single", pod, "failureThreshold: 60", "failureTreshold: 60",
			`unknown field "spec.template.spec.containers[0].startupProbe.failureTreshold"`},
		{"storage class", "single", all, "accessModes: [ReadWriteOnce]", "accessModes: [ReadWriteOnce]\n        storageclassName: fast",
			`unknown field "spec.volumeClaimTemplates[0].spec.storageclassName"`},
		{"update strategy", "single", pod, "updateStrategy:", "updateStrateggy:", `unknown field "spec.updateStrateggy"`},
		{"network policy", "single", policies, "podSelector: {}", "podSelectors: {}", `unknown field "spec.podSelectors"`},
		{"budget", "city", readers, "maxUnavailable: 1", "maxUnavailble: 1", `unknown field "spec.maxUnavailble"`},
		{"monitor", "city", monitor, "scrapeTimeout", "scrapeTimeOut", `unknown field "spec.endpoints[0].scrapeTimeOut"`},
		{"alert", "city", "monitoring/prometheus_rule.yaml", "- name: fiscal-process\n", "- named: fiscal-process\n", `unknown field "spec.groups[0].named"`},
		{"kind", "single", service, "kind: Service\nmetadata:\n  name: fiscal-pods", "kind: Servise\nmetadata:\n  name: fiscal-pods", `no kind "Servise" is registered`},
		{"kind nothing checks", "single", service, "apiVersion: v1\nkind: Service\nmetadata:\n  name: fiscal-pods",
			"apiVersion: v1\nkind: Secret\nmetadata:\n  name: leaked\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: fiscal-pods",
			"Secret/leaked: nothing here checks this kind, so it is not accepted"},
		{"version of the API", "city", readers, "apiVersion: policy/v1\n", "apiVersion: policy/v2\n", `no kind "PodDisruptionBudget" is registered for version "policy/v2"`},

		// Values that the API server refuses, at once or when it makes the pods.
		{"policy of pods", "single", pod, "podManagementPolicy: Parallel", "podManagementPolicy: Paralel", `spec.podManagementPolicy: Invalid value: "Paralel"`},
		{"mount without a volume", "single", pod, "- name: data\n", "- name: dat\n", `volumeMounts[0].name: Not found: "dat"`},
		{"size of a claim", "single", all, "storage: 10Gi", "storage: -10Gi", "must be greater than zero"},
		{"request above the limit", "single", all, "memory: 512Mi", "memory: 2Gi", "must be less than or equal to memory limit"},
		{"port", "single", pod, "containerPort: 7490", "containerPort: 74900", "must be between 1 and 65535"},

		// Names that lead nowhere.
		{"label of the pods", "single", all, "    metadata:\n      labels:\n        app.kubernetes.io/name: fiscal\n        app.kubernetes.io/component: all",
			"    metadata:\n      labels:\n        app.kubernetes.io/name: fiscal\n        app.kubernetes.io/component: al", "`selector` does not match template `labels`"},
		{"selector of a service", "single", service, "clusterIP: None\n  selector:\n    app.kubernetes.io/name: fiscal", "clusterIP: None\n  selector:\n    app.kubernetes.io/name: fiskal",
			"Service/fiscal-pods: spec.selector selects no pod"},
		{"port of a service", "single", service, "targetPort: admin", "targetPort: metrics", "Service/fiscal-pods: spec.ports[1].targetPort: StatefulSet/fiscal has no port metrics"},
		{"port of a probe", "single", pod, "path: /readyz\n              port: admin", "path: /readyz\n              port: adminn", "readinessProbe: there is no port adminn"},
		{"liveness by readiness", "single", pod, "path: /healthz\n              port: admin\n            periodSeconds: 10", "path: /readyz\n              port: admin\n            periodSeconds: 10",
			"livenessProbe is no httpGet of /healthz"},
		{"port of a policy", "single", policies, "- port: grpc", "- port: gprc", "NetworkPolicy/api: spec.ingress[0].ports[0]: StatefulSet/fiscal has no port gprc"},
		{"pods of a policy", "city", between, "app.kubernetes.io/component: submission\n  policyTypes: [Ingress]", "app.kubernetes.io/component: submision\n  policyTypes: [Ingress]",
			"NetworkPolicy/log-to-readers: spec.podSelector selects no pod"},
		{"peer of a policy", "city", between, "              app.kubernetes.io/component: aggregation", "              app.kubernetes.io/component: agregation",
			"NetworkPolicy/log-to-readers: spec.ingress[0].from[0].podSelector selects no pod"},
		{"pods of a budget", "city", readers, "maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: fiscal\n", "maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: fisc\n",
			"PodDisruptionBudget/fiscal-aggregation: spec.selector selects no pod"},
		{"budget that lets nothing go", "city", readers, "maxUnavailable: 1", "minAvailable: 2", "lets none of 2 pods go"},
		{"services of a monitor", "city", monitor, "matchLabels:\n      app.kubernetes.io/name: fiscal", "matchLabels:\n      app.kubernetes.io/name: fiscall",
			`ServiceMonitor/fiscal: spec.endpoints[0].port: no Service that is selected has a port "admin"`},
		{"port of a monitor", "city", monitor, "port: admin", "port: http", `no Service that is selected has a port "http"`},
		{"governing service", "single", all, "serviceName: fiscal-pods", "serviceName: fiscal", `spec.serviceName: no headless Service "fiscal" selects its pods`},
		{"configuration", "single", all, "configMap:\n            name: fiscal", "configMap:\n            name: fiscal-serve", `volume config: ConfigMap "fiscal-serve" is not rendered`},
		{"secret", "single", pod, "secretName: fiscal-tls", "secretName: fiscal-key", `volume tls: Secret "fiscal-key" is neither rendered nor declared`},
		{"account", "single", pod, "serviceAccountName: fiscal", "serviceAccountName: default", `no ServiceAccount "default" without a token is rendered`},
		{"spread", "city", readers, "topologyKey: topology.kubernetes.io/zone\n          whenUnsatisfiable: ScheduleAnyway\n          labelSelector:\n            matchLabels:\n              app.kubernetes.io/name: fiscal\n              app.kubernetes.io/component: aggregation",
			"topologyKey: topology.kubernetes.io/zone\n          whenUnsatisfiable: ScheduleAnyway\n          labelSelector:\n            matchLabels:\n              app.kubernetes.io/name: fiscal\n              app.kubernetes.io/component: submission",
			"topologySpreadConstraints[1].labelSelector does not select the pods it is to spread"},

		// What is missing.
		{"non-root", "single", pod, "        runAsNonRoot: true\n", "", "runAsNonRoot != true"},
		{"root", "single", pod, "runAsUser: 65532", "runAsUser: 0", "runAsUser=0"},
		{"capabilities", "single", pod, "          capabilities:\n              drop: [ALL]\n", "          capabilities: {}\n", "unrestricted capabilities"},
		{"escalation", "single", pod, "            allowPrivilegeEscalation: false\n", "", "allowPrivilegeEscalation != false"},
		{"seccomp", "single", pod, "        seccompProfile:\n          type: RuntimeDefault\n", "", "seccompProfile"},
		{"writable root", "single", pod, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "securityContext.readOnlyRootFilesystem is not true"},
		{"grace", "single", pod, "      terminationGracePeriodSeconds: 60\n", "", "takes up to 35 s with closing, but terminationGracePeriodSeconds is 30"},
		{"longer drain", "city", reading, "    seconds: 20", "    seconds: 50", "StatefulSet/fiscal-aggregation: serve.yaml: server.drain: takes up to 65 s"},
		{"request", "single", all, "              cpu: 250m\n", "", "resources.requests.cpu is not set"},
		{"limit", "single", all, "            limits:\n              memory: 1Gi\n", "", "resources.limits.memory is not set"},
		{"startup probe", "single", pod, "startupProbe:", "livenessProbe2:", `unknown field "spec.template.spec.containers[0].livenessProbe2"`},
		{"token", "single", pod, "automountServiceAccountToken: false", "automountServiceAccountToken: true", "automountServiceAccountToken is not false"},
		{"service links", "single", pod, "      enableServiceLinks: false\n", "", "enableServiceLinks is not false"},
		{"version of the image", "single", "overlays/single/kustomization.yaml", "newTag: 0.1.0", "newTag: latest", "image fiscal:latest is not of one version"},
		{"deny by default", "single", policies, "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "no NetworkPolicy refuses all ingress and egress"},
		{"peers of a policy", "single", policies, "    - from:\n        - namespaceSelector:\n            matchLabels:\n              fiscal-client: \"true\"\n      ports:", "    - ports:",
			"NetworkPolicy/api: spec.ingress[0].from: names nobody, which means everybody"},
		{"namespace's standard", "single", "overlays/single/namespace.yaml", "enforce: restricted", "enforce: baseline", "does not enforce the pod security standard"},

		// serve.yaml against its pod.
		{"second writer", "city", writer, "replicas: 1", "replicas: 2", "role submission writes the log: spec.replicas is 2, not 1"},
		{"role", "single", serve, "role: all", "role: every", `role "every" is none of`},
		{"listen port", "single", serve, "listen: 0.0.0.0:7411", "listen: 0.0.0.0:7412", "server.listen: port 7412, but the container's port grpc is \"7411\""},
		{"loopback", "single", serve, "admin_listen: 0.0.0.0:7490", "admin_listen: 127.0.0.1:7490", "server.admin_listen: 127.0.0.1 is not reached from outside the pod"},
		{"data off the claim", "single", serve, "data_dir: /var/lib/fiscal", "data_dir: /var/lib/fiscal2", "no claim is mounted at /var/lib/fiscal2"},
		{"key file", "single", serve, "  tls:\n    certificate_file: /etc/fiscal-tls/tls.crt\n    key_file: /etc/fiscal-tls/tls.key", "  tls:\n    certificate_file: /etc/fiscal-tls/tls.crt\n    key_file: /etc/fiscal-tls/tls.pem",
			"server.tls.key_file: \"/etc/fiscal-tls/tls.pem\" is not tls.key of a mounted Secret"},
		{"callers unknown", "single", serve, "    client_ca_file: /etc/fiscal-tls/ca.crt\n", "", "server.tls.client_ca_file"},
		{"cache above the limit", "single", serve, "block_cache_bytes: 64MiB", "block_cache_bytes: 1GiB", "resources.limits.memory is 1Gi"},
		{"unsaid cache", "single", serve, "    block_cache_bytes: 64MiB\n", "", "server.storage.block_cache_bytes: say it"},
		{"log of nobody", "city", reading, "log: fiscal-submission:7411", "log: fiscal-writer:7411", `log: no Service "fiscal-writer" with a port 7411 is rendered`},
		{"log of a reader", "city", reading, "log: fiscal-submission:7411", "log: fiscal-aggregation:7411", "which is no writer"},
		{"way to the log", "city", between, "- port: 7411", "- port: 7490", "log: no NetworkPolicy lets it reach fiscal-submission:7411"},
		{"way into the writer", "city", between, "- port: grpc", "- port: admin", "log: no NetworkPolicy lets it in at StatefulSet/fiscal-submission"},
		{"way to a city", "province", above, "fiscal-taiyuan", "fiscal-yangquan", "submission.upstreams taiyuan: no NetworkPolicy lets it reach fiscal-submission.fiscal-taiyuan.svc:7411"},
		{"way out", "province", above, "        - ipBlock:\n            cidr: 203.0.113.11/32\n", "", "submission.upstreams datong: no NetworkPolicy lets it reach fiscal.datong.example:7411"},
		{"names", "single", policies, "- port: 53\n          protocol: UDP", "- port: 54\n          protocol: UDP", "no NetworkPolicy lets it ask DNS by UDP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := sources(t)
			replace(t, from, c.file, c.old, c.new)
			_, problems := Validate(render(t, from, c.overlay))
			if !strings.Contains(strings.Join(problems, "\n"), c.want) {
				t.Errorf("%s: %q for %q is not named as\n  %s\nbut\n  %s", c.file, c.new, c.old, c.want, strings.Join(problems, "\n  "))
			}
		})
	}
}
