package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Made by cert-manager or by hand (k8s/README.md): no manifest has a private key.
var secretsElsewhere = map[string]bool{"fiscal-tls": true}

// checkReferences looks at what objects say of each other: each selector selects, each name is there.
func checkReferences(o *Objects, problems *Problems) {
	if len(o.workloads) == 0 {
		problems.Add("manifest", "has no StatefulSet")
	}
	checkNamespaces(o, problems)
	for _, service := range o.services {
		checkService(o, service, problems)
	}
	for _, workload := range o.workloads {
		checkWorkload(o, workload, problems)
	}
	checkBudgets(o, problems)
	checkPolicies(o, problems)
	checkMonitoring(o, problems)
}

func checkNamespaces(o *Objects, problems *Problems) {
	there := map[string]bool{}
	for _, namespace := range o.namespaces {
		there[namespace.Name] = true
		if namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
			problems.Add("Namespace/"+namespace.Name, "does not enforce the pod security standard `restricted`")
		}
	}
	o.each(func(name string, meta metav1.Object) {
		if !there[meta.GetNamespace()] {
			problems.Add(name, "is in namespace %q, which is not rendered", meta.GetNamespace())
		}
	})
}

// each calls `visit` for everything that lives in a namespace.
func (o *Objects) each(visit func(name string, meta metav1.Object)) {
	for _, x := range o.serviceAccounts {
		visit("ServiceAccount/"+x.Name, x)
	}
	for _, x := range o.configMaps {
		visit("ConfigMap/"+x.Name, x)
	}
	for _, x := range o.services {
		visit("Service/"+x.Name, x)
	}
	for _, x := range o.workloads {
		visit("StatefulSet/"+x.Name, x)
	}
	for _, x := range o.budgets {
		visit("PodDisruptionBudget/"+x.Name, x)
	}
	for _, x := range o.policies {
		visit("NetworkPolicy/"+x.Name, x)
	}
	for _, x := range o.monitors {
		visit("ServiceMonitor/"+x.Name, x)
	}
	for _, x := range o.rules {
		visit("PrometheusRule/"+x.Name, x)
	}
}

// podsOf finds the workloads whose pods a selector selects; none for one that does not parse.
func (o *Objects) podsOf(selector *metav1.LabelSelector) []*appsv1.StatefulSet {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil
	}
	var found []*appsv1.StatefulSet
	for _, workload := range o.workloads {
		if parsed.Matches(labels.Set(workload.Spec.Template.Labels)) {
			found = append(found, workload)
		}
	}
	return found
}

func checkService(o *Objects, service *corev1.Service, problems *Problems) {
	name := "Service/" + service.Name
	pods := o.podsOf(&metav1.LabelSelector{MatchLabels: service.Spec.Selector})
	if len(service.Spec.Selector) == 0 || len(pods) == 0 {
		problems.Add(name, "spec.selector selects no pod")
	}
	for i, port := range service.Spec.Ports {
		for _, pod := range pods {
			if !hasPort(pod, port.TargetPort) {
				problems.Add(name, "spec.ports[%d].targetPort: StatefulSet/%s has no port %s", i, pod.Name, port.TargetPort.String())
			}
		}
	}
}

// hasPort says whether a container declares a port, by name or number.
func hasPort(workload *appsv1.StatefulSet, port intstr.IntOrString) bool {
	for _, container := range workload.Spec.Template.Spec.Containers {
		if containerHasPort(&container, port) {
			return true
		}
	}
	return false
}

func containerHasPort(container *corev1.Container, port intstr.IntOrString) bool {
	for _, declared := range container.Ports {
		if port.Type == intstr.String && declared.Name == port.StrVal ||
			port.Type == intstr.Int && declared.ContainerPort == port.IntVal {
			return true
		}
	}
	return false
}

func checkWorkload(o *Objects, workload *appsv1.StatefulSet, problems *Problems) {
	name := "StatefulSet/" + workload.Name
	spec := &workload.Spec.Template.Spec

	governing := false
	for _, service := range o.services {
		if service.Name == workload.Spec.ServiceName && service.Spec.ClusterIP == corev1.ClusterIPNone &&
			labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(workload.Spec.Template.Labels)) {
			governing = true
		}
	}
	if !governing {
		problems.Add(name, "spec.serviceName: no headless Service %q selects its pods", workload.Spec.ServiceName)
	}
	account := false
	for _, candidate := range o.serviceAccounts {
		account = account || candidate.Name == spec.ServiceAccountName &&
			candidate.AutomountServiceAccountToken != nil && !*candidate.AutomountServiceAccountToken
	}
	if !account {
		problems.Add(name, "spec.template.spec.serviceAccountName: no ServiceAccount %q without a token is rendered", spec.ServiceAccountName)
	}
	for _, volume := range spec.Volumes {
		switch {
		case volume.ConfigMap != nil:
			config := o.configMap(volume.ConfigMap.Name)
			if config == nil {
				problems.Add(name, "volume %s: ConfigMap %q is not rendered", volume.Name, volume.ConfigMap.Name)
				continue
			}
			for _, item := range volume.ConfigMap.Items {
				if _, ok := config.Data[item.Key]; !ok {
					problems.Add(name, "volume %s: ConfigMap %q has no key %q", volume.Name, volume.ConfigMap.Name, item.Key)
				}
			}
		case volume.Secret != nil:
			if !secretsElsewhere[volume.Secret.SecretName] {
				problems.Add(name, "volume %s: Secret %q is neither rendered nor declared to be made elsewhere", volume.Name, volume.Secret.SecretName)
			}
		case volume.EmptyDir != nil:
		default:
			problems.Add(name, "volume %s: of a kind that nothing here checks", volume.Name)
		}
	}
	for _, container := range spec.Containers {
		for _, from := range container.EnvFrom {
			if from.ConfigMapRef != nil && o.configMap(from.ConfigMapRef.Name) == nil {
				problems.Add(name, "envFrom: ConfigMap %q is not rendered", from.ConfigMapRef.Name)
			}
			if from.SecretRef != nil && !secretsElsewhere[from.SecretRef.Name] {
				problems.Add(name, "envFrom: Secret %q is neither rendered nor declared to be made elsewhere", from.SecretRef.Name)
			}
		}
		for _, variable := range container.Env {
			if variable.ValueFrom != nil {
				problems.Add(name, "env %s: takes its value from elsewhere, which nothing here checks", variable.Name)
			}
		}
	}
	for i, constraint := range spec.TopologySpreadConstraints {
		selected := false
		for _, pod := range o.podsOf(constraint.LabelSelector) {
			selected = selected || pod == workload
		}
		if !selected {
			problems.Add(name, "spec.template.spec.topologySpreadConstraints[%d].labelSelector does not select the pods it is to spread", i)
		}
	}
}

func (o *Objects) configMap(name string) *corev1.ConfigMap {
	for _, config := range o.configMaps {
		if config.Name == name {
			return config
		}
	}
	return nil
}

func checkBudgets(o *Objects, problems *Problems) {
	for _, budget := range o.budgets {
		name := "PodDisruptionBudget/" + budget.Name
		pods := o.podsOf(budget.Spec.Selector)
		if len(pods) == 0 {
			problems.Add(name, "spec.selector selects no pod")
		}
		replicas := 0
		for _, workload := range pods {
			replicas += int(*workload.Spec.Replicas)
		}
		stay := 0
		if least := budget.Spec.MinAvailable; least != nil {
			stay, _ = intstr.GetScaledValueFromIntOrPercent(least, replicas, true)
		} else if most := budget.Spec.MaxUnavailable; most != nil {
			gone, _ := intstr.GetScaledValueFromIntOrPercent(most, replicas, true)
			stay = replicas - gone
		}
		if len(pods) > 0 && stay >= replicas {
			problems.Add(name, "lets none of %d pods go: no node could ever be drained", replicas)
		}
	}
}

// checkPolicies looks at each rule by itself. Whether they let through what serve.yaml asks for is serve.go's question.
func checkPolicies(o *Objects, problems *Problems) {
	denied := false
	for _, policy := range o.policies {
		name := "NetworkPolicy/" + policy.Name
		pods := o.podsOf(&policy.Spec.PodSelector)
		if len(pods) == 0 {
			problems.Add(name, "spec.podSelector selects no pod")
		}
		types := map[networkingv1.PolicyType]bool{}
		for _, policyType := range policy.Spec.PolicyTypes {
			types[policyType] = true
		}
		everyPod := len(policy.Spec.PodSelector.MatchLabels) == 0 && len(policy.Spec.PodSelector.MatchExpressions) == 0
		denied = denied || everyPod && types[networkingv1.PolicyTypeIngress] && types[networkingv1.PolicyTypeEgress] &&
			len(policy.Spec.Ingress) == 0 && len(policy.Spec.Egress) == 0
		for i, rule := range policy.Spec.Ingress {
			where := fmt.Sprintf("spec.ingress[%d]", i)
			checkPeers(o, name, where+".from", rule.From, problems)
			checkPolicyPorts(name, where, rule.Ports, pods, problems)
		}
		for i, rule := range policy.Spec.Egress {
			where := fmt.Sprintf("spec.egress[%d]", i)
			peers, all := checkPeers(o, name, where+".to", rule.To, problems)
			if all {
				checkPolicyPorts(name, where, rule.Ports, peers, problems)
			}
		}
	}
	if !denied {
		problems.Add("manifest", "no NetworkPolicy refuses all ingress and egress of every pod")
	}
}

// checkPeers returns the rendered pods among the peers, and whether those are all.
func checkPeers(o *Objects, name, where string, peers []networkingv1.NetworkPolicyPeer, problems *Problems) ([]*appsv1.StatefulSet, bool) {
	if len(peers) == 0 {
		problems.Add(name, "%s: names nobody, which means everybody", where)
		return nil, false
	}
	var found []*appsv1.StatefulSet
	all := true
	for i, peer := range peers {
		if peer.PodSelector == nil || peer.NamespaceSelector != nil {
			all = false
			continue
		}
		pods := o.podsOf(peer.PodSelector)
		if len(pods) == 0 {
			problems.Add(name, "%s[%d].podSelector selects no pod", where, i)
		}
		found = append(found, pods...)
	}
	return found, all
}

func checkPolicyPorts(name, where string, ports []networkingv1.NetworkPolicyPort, pods []*appsv1.StatefulSet, problems *Problems) {
	if len(ports) == 0 {
		problems.Add(name, "%s.ports: names no port, which means every port", where)
	}
	for i, port := range ports {
		for _, pod := range pods {
			if port.Port == nil || !hasPort(pod, *port.Port) {
				problems.Add(name, "%s.ports[%d]: StatefulSet/%s has no port %s", where, i, pod.Name, portText(port.Port))
			}
		}
	}
}

func portText(port *intstr.IntOrString) string {
	if port == nil {
		return "of every number"
	}
	return port.String()
}

// As prometheus-operator's CRDs have it.
var durationForm = regexp.MustCompile(`^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$`)

func checkMonitoring(o *Objects, problems *Problems) {
	scrapes := map[*appsv1.StatefulSet]int{}
	for _, monitor := range o.monitors {
		name := "ServiceMonitor/" + monitor.Name
		parsed, err := metav1.LabelSelectorAsSelector(&monitor.Spec.Selector)
		if err != nil {
			problems.Add(name, "spec.selector: %v", err)
			continue
		}
		if len(monitor.Spec.Endpoints) == 0 {
			problems.Add(name, "spec.endpoints: there is none")
		}
		for i, endpoint := range monitor.Spec.Endpoints {
			found := 0
			for _, service := range o.services {
				if !parsed.Matches(labels.Set(service.Labels)) {
					continue
				}
				for _, port := range service.Spec.Ports {
					if port.Name != endpoint.Port {
						continue
					}
					found++
					for _, pod := range o.podsOf(&metav1.LabelSelector{MatchLabels: service.Spec.Selector}) {
						scrapes[pod]++
					}
				}
			}
			if found == 0 {
				problems.Add(name, "spec.endpoints[%d].port: no Service that is selected has a port %q", i, endpoint.Port)
			}
			for _, entry := range []struct {
				field    string
				duration monitoring.Duration
			}{{"interval", endpoint.Interval}, {"scrapeTimeout", endpoint.ScrapeTimeout}} {
				if !durationForm.MatchString(string(entry.duration)) {
					problems.Add(name, "spec.endpoints[%d].%s: %q is no duration", i, entry.field, entry.duration)
				}
			}
		}
	}
	if len(o.monitors) > 0 {
		for _, workload := range o.workloads {
			if scrapes[workload] != 1 {
				problems.Add("StatefulSet/"+workload.Name, "its pods are scraped %d times over, not once", scrapes[workload])
			}
		}
	}
	for _, rule := range o.rules {
		checkRule(rule, problems)
	}
	for _, config := range o.configMaps {
		if config.Labels["grafana_dashboard"] == "" {
			continue
		}
		keys := make([]string, 0, len(config.Data))
		for key := range config.Data {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		for _, key := range keys {
			if !json.Valid([]byte(config.Data[key])) {
				problems.Add("ConfigMap/"+config.Name, "%s: is no JSON", key)
			}
		}
	}
}

func checkRule(rule *monitoring.PrometheusRule, problems *Problems) {
	name := "PrometheusRule/" + rule.Name
	groups := map[string]bool{}
	for _, group := range rule.Spec.Groups {
		if group.Name == "" || groups[group.Name] {
			problems.Add(name, "group %q: has no name of its own", group.Name)
		}
		groups[group.Name] = true
		for i, entry := range group.Rules {
			where := fmt.Sprintf("group %s, rule %d", group.Name, i)
			if (entry.Alert == "") == (entry.Record == "") {
				problems.Add(name, "%s: needs one of alert and record", where)
			}
			if strings.TrimSpace(entry.Expr.String()) == "" {
				problems.Add(name, "%s: has no expr", where)
			}
			if !durationForm.MatchString(string(entry.For)) {
				problems.Add(name, "%s: for: %q is no duration", where, entry.For)
			}
		}
	}
	if len(groups) == 0 {
		problems.Add(name, "spec.groups: there is none")
	}
}
