package main

import (
	"fmt"
	"net"
	"path"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

const (
	serveKey = "serve.yaml"
	// What a process needs beside its caches, queues and cells: code, threads, gRPC's buffers.
	processBytes = 128 << 20
	// Closing the stores after the calls are finished.
	closeSeconds = 10
	// docs/benchmarks.md: a watcher, a live cell.
	watcherBytes = 32 << 10
	cellBytes    = 80
)

// Serve is what pods must agree with of fiscal.config.v1.ServeConfig. All else, unknown keys too, is the loader's of `fiscal serve`.
type Serve struct {
	Role   string `json:"role"`
	Log    string `json:"log"`
	Server struct {
		DataDir     string `json:"data_dir"`
		Listen      string `json:"listen"`
		AdminListen string `json:"admin_listen"`
		TLS         struct {
			CertificateFile string `json:"certificate_file"`
			KeyFile         string `json:"key_file"`
			ClientCAFile    string `json:"client_ca_file"`
		} `json:"tls"`
		PeerTLS struct {
			CAFile          string `json:"ca_file"`
			CertificateFile string `json:"certificate_file"`
			KeyFile         string `json:"key_file"`
		} `json:"peer_tls"`
		Drain struct {
			DelaySeconds *int64 `json:"delay_seconds"`
			Seconds      *int64 `json:"seconds"`
		} `json:"drain"`
		Storage struct {
			BlockCache        *bytesSetting `json:"block_cache_bytes"`
			LogWriteBuffer    *bytesSetting `json:"log_write_buffer_bytes"`
			TotalsWriteBuffer *bytesSetting `json:"totals_write_buffer_bytes"`
		} `json:"storage"`
	} `json:"server"`
	Submission struct {
		QueueBytesMax *bytesSetting `json:"queue_bytes_max"`
		Upstreams     []struct {
			Name    string `json:"name"`
			Address string `json:"address"`
		} `json:"upstreams"`
	} `json:"submission"`
	Aggregation struct {
		WatchersMax  *int64 `json:"watchers_max"`
		LiveCellsMax *int64 `json:"live_cells_max"`
	} `json:"aggregation"`
}

// bytesSetting is a number, or one with KiB, MiB or GiB.
type bytesSetting int64

func (b *bytesSetting) UnmarshalJSON(text []byte) error {
	value, shift := strings.Trim(string(text), `"`), 0
	for unit, bits := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if strings.HasSuffix(value, unit) {
			value, shift = strings.TrimSuffix(value, unit), bits
		}
	}
	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("%s is no number of bytes", text)
	}
	*b = bytesSetting(number << shift)
	return nil
}

// checkServe holds the configuration of a process against the pod it runs in.
func checkServe(o *Objects, workload *appsv1.StatefulSet, problems *Problems) {
	name := "StatefulSet/" + workload.Name
	var container *corev1.Container
	for i := range workload.Spec.Template.Spec.Containers {
		if candidate := &workload.Spec.Template.Spec.Containers[i]; candidate.Name == "fiscal" {
			container = candidate
		}
	}
	if container == nil {
		problems.Add(name, "has no container called fiscal")
		return
	}
	config, err := serveOf(o, workload, container)
	if err != nil {
		problems.Add(name, "%v", err)
		return
	}
	check := serveCheck{o, workload, container, config, name, problems}
	check.role()
	check.addresses()
	check.files()
	check.grace()
	check.memory()
	check.peers()
}

// serveOf reads the file that the container's command names, through its mount.
func serveOf(o *Objects, workload *appsv1.StatefulSet, container *corev1.Container) (*Serve, error) {
	words := append(append([]string{}, container.Command...), container.Args...)
	file := ""
	for i := range words {
		if words[i] == "--config" && i+1 < len(words) {
			file = words[i+1]
		}
	}
	if len(words) < 2 || words[0] != "fiscal" || words[1] != "serve" || file == "" {
		return nil, fmt.Errorf("container fiscal: its command is not `fiscal serve --config FILE`: %s", strings.Join(words, " "))
	}
	volume := volumeAt(workload, container, file)
	if volume == nil || volume.ConfigMap == nil {
		return nil, fmt.Errorf("container fiscal: no ConfigMap is mounted where %s is", file)
	}
	config := o.configMap(volume.ConfigMap.Name)
	if config == nil {
		return nil, fmt.Errorf("container fiscal: ConfigMap %q is not rendered", volume.ConfigMap.Name)
	}
	text, ok := config.Data[path.Base(file)]
	if !ok {
		return nil, fmt.Errorf("container fiscal: ConfigMap %q has no %s", config.Name, path.Base(file))
	}
	serve := &Serve{}
	if err := yaml.Unmarshal([]byte(text), serve); err != nil {
		return nil, fmt.Errorf("%s: %v", file, err)
	}
	return serve, nil
}

// volumeAt finds the volume that is mounted at the folder of `file`; claims are none.
func volumeAt(workload *appsv1.StatefulSet, container *corev1.Container, file string) *corev1.Volume {
	for _, mount := range container.VolumeMounts {
		if path.Clean(mount.MountPath) != path.Dir(file) || mount.SubPath != "" {
			continue
		}
		for i := range workload.Spec.Template.Spec.Volumes {
			if volume := &workload.Spec.Template.Spec.Volumes[i]; volume.Name == mount.Name {
				return volume
			}
		}
	}
	return nil
}

type serveCheck struct {
	o         *Objects
	workload  *appsv1.StatefulSet
	container *corev1.Container
	config    *Serve
	name      string
	problems  *Problems
}

func (c *serveCheck) add(format string, args ...interface{}) {
	c.problems.Add(c.name, "serve.yaml: "+format, args...)
}

func (c *serveCheck) role() {
	switch c.config.Role {
	case "all", "submission":
		if *c.workload.Spec.Replicas != 1 {
			c.add("role %s writes the log: spec.replicas is %d, not 1", c.config.Role, *c.workload.Spec.Replicas)
		}
	case "aggregation":
		if len(c.config.Submission.Upstreams) > 0 {
			c.add("role aggregation has no upstreams")
		}
	default:
		c.add("role %q is none of all, submission, aggregation", c.config.Role)
	}
	if component := c.workload.Spec.Template.Labels["app.kubernetes.io/component"]; component != c.config.Role {
		c.add("role %s, but the pods are labelled app.kubernetes.io/component: %s", c.config.Role, component)
	}
}

// addresses: both listeners are where ports and probes say, and reachable from outside the pod.
func (c *serveCheck) addresses() {
	for _, listener := range []struct{ setting, address, port string }{
		{"server.listen", c.config.Server.Listen, "grpc"}, {"server.admin_listen", c.config.Server.AdminListen, "admin"},
	} {
		host, port, err := net.SplitHostPort(listener.address)
		if err != nil {
			c.add("%s: %q is no HOST:PORT", listener.setting, listener.address)
			continue
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			c.add("%s: %s is not reached from outside the pod", listener.setting, host)
		}
		declared := ""
		for _, candidate := range c.container.Ports {
			if candidate.Name == listener.port {
				declared = strconv.Itoa(int(candidate.ContainerPort))
			}
		}
		if declared != port {
			c.add("%s: port %s, but the container's port %s is %q", listener.setting, port, listener.port, declared)
		}
	}
}

// files: the data directory is on a claim, keys come from the Secret.
func (c *serveCheck) files() {
	onClaim := false
	for _, mount := range c.container.VolumeMounts {
		for _, claim := range c.workload.Spec.VolumeClaimTemplates {
			inside := c.config.Server.DataDir == mount.MountPath || strings.HasPrefix(c.config.Server.DataDir, mount.MountPath+"/")
			onClaim = onClaim || mount.Name == claim.Name && !mount.ReadOnly && inside
		}
	}
	if !onClaim {
		c.add("server.data_dir: no claim is mounted at %s", c.config.Server.DataDir)
	}
	for _, entry := range []struct{ setting, file, key string }{
		{"server.tls.certificate_file", c.config.Server.TLS.CertificateFile, corev1.TLSCertKey},
		{"server.tls.key_file", c.config.Server.TLS.KeyFile, corev1.TLSPrivateKeyKey},
		{"server.tls.client_ca_file", c.config.Server.TLS.ClientCAFile, "ca.crt"},
		{"server.peer_tls.ca_file", c.config.Server.PeerTLS.CAFile, "ca.crt"},
		{"server.peer_tls.certificate_file", c.config.Server.PeerTLS.CertificateFile, corev1.TLSCertKey},
		{"server.peer_tls.key_file", c.config.Server.PeerTLS.KeyFile, corev1.TLSPrivateKeyKey},
	} {
		volume := volumeAt(c.workload, c.container, entry.file)
		if volume == nil || volume.Secret == nil || path.Base(entry.file) != entry.key {
			c.add("%s: %q is not %s of a mounted Secret", entry.setting, entry.file, entry.key)
		}
	}
}

func (c *serveCheck) grace() {
	drain := c.config.Server.Drain
	if drain.DelaySeconds == nil || drain.Seconds == nil {
		c.add("server.drain: say delay_seconds and seconds, since terminationGracePeriodSeconds depends on them")
		return
	}
	need := *drain.DelaySeconds + *drain.Seconds + closeSeconds
	if grace := c.workload.Spec.Template.Spec.TerminationGracePeriodSeconds; grace == nil || *grace < need {
		c.add("server.drain: takes up to %d s with closing, but terminationGracePeriodSeconds is %d", need, *grace)
	}
}

// memory: the bounds that were set fit into the limit, or the kernel ends the process under load.
func (c *serveCheck) memory() {
	storage := c.config.Server.Storage
	writes, reads := c.config.Role != "aggregation", c.config.Role != "submission"
	need, said := int64(processBytes), true
	bound := func(setting string, there bool, value func() int64) {
		if !there {
			said = false
			c.add("%s: say it, since resources.limits.memory depends on it", setting)
			return
		}
		need += value()
	}
	bound("server.storage.block_cache_bytes", storage.BlockCache != nil, func() int64 { return int64(*storage.BlockCache) })
	bound("server.storage.log_write_buffer_bytes", storage.LogWriteBuffer != nil, func() int64 { return 2 * int64(*storage.LogWriteBuffer) })
	if writes {
		queue := c.config.Submission.QueueBytesMax
		bound("submission.queue_bytes_max", queue != nil, func() int64 { return int64(*queue) })
	}
	if reads {
		buffer := storage.TotalsWriteBuffer
		bound("server.storage.totals_write_buffer_bytes", buffer != nil, func() int64 { return 2 * int64(*buffer) })
		cells, watchers := c.config.Aggregation.LiveCellsMax, c.config.Aggregation.WatchersMax
		bound("aggregation.live_cells_max", cells != nil, func() int64 { return cellBytes * *cells })
		bound("aggregation.watchers_max", watchers != nil, func() int64 { return watcherBytes * *watchers })
	}
	limit := c.container.Resources.Limits.Memory()
	if said && !limit.IsZero() && limit.Value() < need {
		c.add("caches, buffers, queue, cells and watchers may take %d MiB; resources.limits.memory is %s", need>>20, limit)
	}
}

// peers: whom the process calls is there, and network policies let it through.
func (c *serveCheck) peers() {
	dns := peer{namespace: "kube-system", pod: map[string]string{"k8s-app": "kube-dns"}}
	for _, protocol := range []corev1.Protocol{corev1.ProtocolUDP, corev1.ProtocolTCP} {
		if !c.egress(dns, protocol, 53) {
			c.problems.Add(c.name, "no NetworkPolicy lets it ask DNS by %s", protocol)
		}
	}
	if c.config.Role == "aggregation" {
		c.log()
	}
	for _, upstream := range c.config.Submission.Upstreams {
		setting := "submission.upstreams " + upstream.Name
		host, port, err := splitAddress(upstream.Address)
		if err != nil {
			c.add("%s: %v", setting, err)
			continue
		}
		to := peer{outside: true}
		if parts := strings.Split(host, "."); len(parts) >= 3 && parts[2] == "svc" {
			to = peer{namespace: parts[1], pod: map[string]string{"app.kubernetes.io/name": "fiscal"}}
		}
		if !c.egress(to, corev1.ProtocolTCP, port) {
			c.add("%s: no NetworkPolicy lets it reach %s", setting, upstream.Address)
		}
	}
}

// log: the address is a rendered Service of the one writer, and both ends of the way are open.
func (c *serveCheck) log() {
	host, port, err := splitAddress(c.config.Log)
	if err != nil {
		c.add("log: %v", err)
		return
	}
	for _, service := range c.o.services {
		if service.Name != host {
			continue
		}
		for _, candidate := range service.Spec.Ports {
			if candidate.Port != port {
				continue
			}
			for _, writer := range c.o.podsOf(&metav1.LabelSelector{MatchLabels: service.Spec.Selector}) {
				target := c.portOf(writer, candidate.TargetPort)
				config, err := serveOf(c.o, writer, &writer.Spec.Template.Spec.Containers[0])
				if err != nil || config.Role != "submission" {
					c.add("log: Service/%s leads to StatefulSet/%s, which is no writer", host, writer.Name)
				}
				if !c.egress(peer{pod: writer.Spec.Template.Labels}, corev1.ProtocolTCP, target) {
					c.add("log: no NetworkPolicy lets it reach %s", c.config.Log)
				}
				if !c.ingress(writer, target) {
					c.add("log: no NetworkPolicy lets it in at StatefulSet/%s", writer.Name)
				}
			}
			return
		}
	}
	c.add("log: no Service %q with a port %d is rendered", host, port)
}

func splitAddress(address string) (string, int32, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%q is no HOST:PORT", address)
	}
	port, err := strconv.ParseInt(text, 10, 32)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("%q is no HOST:PORT", address)
	}
	return host, int32(port), nil
}

// A peer of a pod: labels in this namespace (""), in another, or an address outside of the cluster.
type peer struct {
	namespace string
	pod       map[string]string
	outside   bool
}

// egress says whether a policy of the pods lets them open a connection to `to`.
func (c *serveCheck) egress(to peer, protocol corev1.Protocol, port int32) bool {
	for _, policy := range c.o.policies {
		if !selects(&policy.Spec.PodSelector, c.workload.Spec.Template.Labels) {
			continue
		}
		for _, rule := range policy.Spec.Egress {
			if portsHave(rule.Ports, protocol, port, nil) && peersHave(rule.To, to) {
				return true
			}
		}
	}
	return false
}

// ingress says whether a policy of `at` lets these pods in.
func (c *serveCheck) ingress(at *appsv1.StatefulSet, port int32) bool {
	for _, policy := range c.o.policies {
		if !selects(&policy.Spec.PodSelector, at.Spec.Template.Labels) {
			continue
		}
		for _, rule := range policy.Spec.Ingress {
			if portsHave(rule.Ports, corev1.ProtocolTCP, port, at) && peersHave(rule.From, peer{pod: c.workload.Spec.Template.Labels}) {
				return true
			}
		}
	}
	return false
}

// portOf is the number of a container's port.
func (c *serveCheck) portOf(workload *appsv1.StatefulSet, port intstr.IntOrString) int32 {
	if port.Type == intstr.Int {
		return port.IntVal
	}
	for _, container := range workload.Spec.Template.Spec.Containers {
		for _, declared := range container.Ports {
			if declared.Name == port.StrVal {
				return declared.ContainerPort
			}
		}
	}
	return 0
}

// portsHave looks for a number, or a name that the container of `at` gives it.
func portsHave(ports []networkingv1.NetworkPolicyPort, protocol corev1.Protocol, number int32, at *appsv1.StatefulSet) bool {
	for _, port := range ports {
		if port.Port == nil || *port.Protocol != protocol {
			continue
		}
		if port.Port.Type == intstr.Int && port.Port.IntVal == number {
			return true
		}
		if port.Port.Type == intstr.String && at != nil {
			for _, container := range at.Spec.Template.Spec.Containers {
				for _, declared := range container.Ports {
					if declared.Name == port.Port.StrVal && declared.ContainerPort == number {
						return true
					}
				}
			}
		}
	}
	return false
}

func peersHave(peers []networkingv1.NetworkPolicyPeer, wanted peer) bool {
	for _, candidate := range peers {
		if candidate.IPBlock != nil {
			if wanted.outside {
				return true
			}
			continue
		}
		if wanted.outside || (candidate.NamespaceSelector == nil) != (wanted.namespace == "") {
			continue
		}
		if candidate.NamespaceSelector != nil &&
			!selects(candidate.NamespaceSelector, map[string]string{corev1.LabelMetadataName: wanted.namespace}) {
			continue
		}
		if candidate.PodSelector == nil || selects(candidate.PodSelector, wanted.pod) {
			return true
		}
	}
	return false
}

func selects(selector *metav1.LabelSelector, set map[string]string) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(labels.Set(set))
}
