package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podapi "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
)

// Objects is a rendered manifest by kind, defaults filled in as the API server does.
type Objects struct {
	count           int
	namespaces      []*corev1.Namespace
	serviceAccounts []*corev1.ServiceAccount
	configMaps      []*corev1.ConfigMap
	services        []*corev1.Service
	workloads       []*appsv1.StatefulSet
	budgets         []*policyv1.PodDisruptionBudget
	policies        []*networkingv1.NetworkPolicy
	monitors        []*monitoring.ServiceMonitor
	rules           []*monitoring.PrometheusRule
}

func init() {
	if err := monitoring.AddToScheme(legacyscheme.Scheme); err != nil {
		panic(err)
	}
}

// Decode reads every document into its real type. Unknown and duplicate fields are problems; so is a kind that nothing here checks.
func Decode(manifest []byte, problems *Problems) *Objects {
	objects := &Objects{}
	seen := map[string]bool{}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, legacyscheme.Scheme, legacyscheme.Scheme,
		json.SerializerOptions{Yaml: true, Strict: true})
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	for number := 1; ; number++ {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			problems.Add(fmt.Sprintf("document %d", number), "%v", err)
			break
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		object, kind, err := strict.Decode(document, nil, nil)
		if err != nil {
			name := fmt.Sprintf("document %d", number)
			if object != nil {
				name = nameOf(object)
			} else if kind != nil {
				name = fmt.Sprintf("document %d, %s", number, kind.Kind)
			}
			// A line each: they are easier found than in a list.
			for _, line := range strings.Split(strings.TrimPrefix(err.Error(), "strict decoding error: "), ", ") {
				problems.Add(name, "%s", line)
			}
			continue
		}
		objects.count++
		legacyscheme.Scheme.Default(object)
		name := nameOf(object)
		if seen[name] {
			problems.Add(name, "stands twice")
		}
		seen[name] = true
		for _, problem := range objects.take(object) {
			problems.Add(name, "%s", problem)
		}
	}
	if objects.count == 0 && len(problems.lines) == 0 {
		problems.Add("manifest", "has no objects")
	}
	return objects
}

// take files an object under its kind and validates it as the API server would at its creation.
func (o *Objects) take(object runtime.Object) []string {
	switch typed := object.(type) {
	case *corev1.Namespace:
		o.namespaces = append(o.namespaces, typed)
		var internal core.Namespace
		return lines(convert(typed, &internal), corevalidation.ValidateNamespace(&internal))
	case *corev1.ServiceAccount:
		o.serviceAccounts = append(o.serviceAccounts, typed)
		var internal core.ServiceAccount
		return lines(convert(typed, &internal), corevalidation.ValidateServiceAccount(&internal))
	case *corev1.ConfigMap:
		o.configMaps = append(o.configMaps, typed)
		var internal core.ConfigMap
		return lines(convert(typed, &internal), corevalidation.ValidateConfigMap(&internal))
	case *corev1.Service:
		o.services = append(o.services, typed)
		var internal core.Service
		err := convert(typed, &internal)
		// The API server fills it in between decoding and validation.
		if internal.Spec.ClusterIP != "" && len(internal.Spec.ClusterIPs) == 0 {
			internal.Spec.ClusterIPs = []string{internal.Spec.ClusterIP}
		}
		return lines(err, corevalidation.ValidateService(&internal))
	case *appsv1.StatefulSet:
		o.workloads = append(o.workloads, typed)
		var internal apps.StatefulSet
		err := convert(typed, &internal)
		options := podapi.GetValidationOptionsFromPodTemplate(&internal.Spec.Template, nil)
		found := lines(err, appsvalidation.ValidateStatefulSet(&internal, options))
		return append(found, lines(nil, validatePods(&internal, options))...)
	case *policyv1.PodDisruptionBudget:
		o.budgets = append(o.budgets, typed)
		var internal policy.PodDisruptionBudget
		return lines(convert(typed, &internal),
			policyvalidation.ValidatePodDisruptionBudget(&internal, policyvalidation.PodDisruptionBudgetValidationOptions{}))
	case *networkingv1.NetworkPolicy:
		o.policies = append(o.policies, typed)
		var internal networking.NetworkPolicy
		return lines(convert(typed, &internal),
			networkingvalidation.ValidateNetworkPolicy(&internal, networkingvalidation.NetworkPolicyValidationOptions{}))
	case *monitoring.ServiceMonitor:
		o.monitors = append(o.monitors, typed)
		return nil
	case *monitoring.PrometheusRule:
		o.rules = append(o.rules, typed)
		return nil
	}
	return []string{"nothing here checks this kind, so it is not accepted"}
}

// validatePods validates what a StatefulSet makes: the API server does so only when its controller creates them, which would be
// after the rollout began. Claims are among the pod's volumes then.
func validatePods(set *apps.StatefulSet, options corevalidation.PodValidationOptions) field.ErrorList {
	template := set.Spec.Template.DeepCopy()
	var found field.ErrorList
	for i, claim := range set.Spec.VolumeClaimTemplates {
		template.Spec.Volumes = append(template.Spec.Volumes, core.Volume{
			Name: claim.Name,
			VolumeSource: core.VolumeSource{
				PersistentVolumeClaim: &core.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name + "-" + set.Name + "-0"},
			},
		})
		found = append(found, corevalidation.ValidatePersistentVolumeClaimSpec(&claim.Spec,
			field.NewPath("spec", "volumeClaimTemplates").Index(i).Child("spec"),
			corevalidation.PersistentVolumeClaimSpecValidationOptions{})...)
	}
	return append(found, corevalidation.ValidatePodTemplateSpec(template, field.NewPath("spec", "template"), options)...)
}

func convert(from, to runtime.Object) error {
	return legacyscheme.Scheme.Convert(from, to, nil)
}

func lines(err error, found field.ErrorList) []string {
	var all []string
	if err != nil {
		all = append(all, err.Error())
	}
	for _, problem := range found {
		all = append(all, problem.Error())
	}
	return all
}

// KIND/NAME.
func nameOf(object runtime.Object) string {
	kind := object.GetObjectKind().GroupVersionKind().Kind
	if meta, ok := object.(metav1.Object); ok {
		return kind + "/" + meta.GetName()
	}
	return kind
}
