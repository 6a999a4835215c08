// Command validate checks rendered manifests of Fiscal, without a cluster.
//
//	kustomize build --> FILE --> decode.go (real types, unknown fields refused; the API server's own validation)
//	                         --> references.go (what objects say of each other)
//	                         --> pods.go (what a pod must not lack)
//	                         --> serve.go (the ConfigMap's serve.yaml against the pod it configures)
//
// It prints a line for each problem, named by its object and field, and exits with 1 when there is one, 2 when it was called wrongly.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	serveDir := flag.String("serve-dir", "", "write each serve.yaml there as NAMESPACE.CONFIGMAP.yaml")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: validate [-serve-dir DIR] FILE...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	failed := false
	for _, file := range flag.Args() {
		manifest, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, "validate:", err)
			os.Exit(2)
		}
		objects, problems := Validate(manifest)
		for _, problem := range problems {
			fmt.Printf("%s: %s\n", file, problem)
		}
		if len(problems) > 0 {
			failed = true
			continue
		}
		fmt.Printf("%s: %d objects hold\n", file, objects.count)
		if *serveDir == "" {
			continue
		}
		for _, config := range objects.configMaps {
			text, ok := config.Data[serveKey]
			if !ok {
				continue
			}
			path := filepath.Join(*serveDir, config.Namespace+"."+config.Name+".yaml")
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				fmt.Fprintln(os.Stderr, "validate:", err)
				os.Exit(2)
			}
		}
	}
	if failed {
		os.Exit(1)
	}
}

// Validate says everything that is wrong with a rendered manifest, in the order of the checks. What does not decode is checked no
// further: its references would only be named a second time.
func Validate(manifest []byte) (*Objects, []string) {
	problems := &Problems{}
	objects := Decode(manifest, problems)
	if len(problems.lines) == 0 {
		checkReferences(objects, problems)
		for _, workload := range objects.workloads {
			checkPod(workload, problems)
			checkServe(objects, workload, problems)
		}
	}
	return objects, problems.lines
}

// Problems gathers what is wrong, a line each.
type Problems struct {
	lines []string
}

// Add names the object and says what is wrong with it.
func (p *Problems) Add(object, format string, args ...interface{}) {
	p.lines = append(p.lines, object+": "+fmt.Sprintf(format, args...))
}
