// Reads dashboards with the Go types that Grafana's foundation SDK generates from Grafana's own schemas: a missing field, a field that
// Grafana does not have, a value of another type and a value outside its limits are problems. It prints one in a line as
// `file: path: problem`, and exits with 1 when there is any.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/dashboardv2"
	"github.com/grafana/grafana-foundation-sdk/go/resource"
)

const apiVersion = "dashboard.grafana.app/v2"
const dataSource = "prometheus"

type problems []string

// The generated readers return an error without entries when all is well.
func (p *problems) add(path string, err error) {
	if err == nil {
		return
	}
	for _, one := range cog.MakeBuildErrors(path, err) {
		*p = append(*p, one.Error())
	}
}

type schema interface {
	UnmarshalJSONStrict(raw []byte) error
	Validate() error
}

// Strict reading finds what is missing, but leaves values out where it finds nothing, and some parts it does not read strictly. So the
// text is read a second time, for the limits and for the fields that get lost.
func (p *problems) addSchema(path string, raw []byte, strict schema, plain schema) {
	p.add(path, strict.UnmarshalJSONStrict(raw))
	if err := json.Unmarshal(raw, plain); err != nil {
		p.add(path, err)
		return
	}
	p.add(path, plain.Validate())
	again, err := json.Marshal(plain)
	p.add(path, err)
	var given, kept any
	p.add(path, json.Unmarshal(raw, &given))
	p.add(path, json.Unmarshal(again, &kept))
	p.addLost(path, given, kept)
}

func (p *problems) addLost(path string, given any, kept any) {
	switch value := given.(type) {
	case map[string]any:
		fields, isObject := kept.(map[string]any)
		for name, one := range value {
			if field, is := fields[name]; is {
				p.addLost(path+"."+name, one, field)
			} else if !isObject || !isEmpty(one) {
				p.add(path, fmt.Errorf("Grafana does not read the field '%s'", name))
			}
		}
	case []any:
		entries, _ := kept.([]any)
		for index, one := range value {
			if index < len(entries) {
				p.addLost(fmt.Sprintf("%s[%d]", path, index), one, entries[index])
			} else {
				p.add(path, fmt.Errorf("Grafana does not read entry %d", index))
			}
		}
	default:
		if given != kept {
			p.add(path, fmt.Errorf("Grafana reads %v as %v", given, kept))
		}
	}
}

// Fields that are left out when they have this value.
func isEmpty(value any) bool {
	switch one := value.(type) {
	case map[string]any:
		return len(one) == 0
	case []any:
		return len(one) == 0
	}
	return value == nil || value == false || value == "" || value == 0.0
}

// The schemas of options, fields and queries are those of their plugins: of one that is not known, anything would pass.
func (p *problems) addPanel(path string, plugin string, custom any, queries []json.RawMessage) {
	config, known := cog.ConfigForPanelcfgVariant(plugin)
	if !known {
		p.add(path, fmt.Errorf("panel type '%s' is not one of Grafana's", plugin))
	}
	if known && custom != nil && config.StrictFieldConfigUnmarshaler != nil {
		raw, err := json.Marshal(custom)
		p.add(path, err)
		_, err = config.StrictFieldConfigUnmarshaler(raw)
		p.add(path+".fieldConfig.defaults.custom", err)
	}
	if len(queries) == 0 {
		p.add(path, errors.New("there is no query"))
	}
	for index, query := range queries {
		_, err := cog.StrictUnmarshalDataquery(query, dataSource)
		p.add(fmt.Sprintf("%s.queries[%d]", path, index), err)
	}
}

type fieldConfig struct {
	Defaults struct {
		Custom any `json:"custom"`
	} `json:"defaults"`
}

func checkClassic(raw []byte) problems {
	var p problems
	p.addSchema("dashboard", raw, &dashboard.Dashboard{}, &dashboard.Dashboard{})
	var parts struct {
		Panels []struct {
			Type        string            `json:"type"`
			Targets     []json.RawMessage `json:"targets"`
			FieldConfig fieldConfig       `json:"fieldConfig"`
		} `json:"panels"`
	}
	p.add("dashboard", json.Unmarshal(raw, &parts))
	for index, panel := range parts.Panels {
		if panel.Type != "row" {
			p.addPanel(fmt.Sprintf("dashboard.panels[%d]", index), panel.Type, panel.FieldConfig.Defaults.Custom, panel.Targets)
		}
	}
	return p
}

func checkV2(raw []byte) problems {
	var p problems
	var manifest resource.Manifest
	p.addSchema("manifest", raw, &resource.Manifest{}, &manifest)
	if manifest.ApiVersion != apiVersion || manifest.Kind != resource.DashboardKind {
		p.add("manifest", fmt.Errorf("%s %s is not %s %s", manifest.ApiVersion, manifest.Kind, apiVersion, resource.DashboardKind))
	}
	var envelope struct {
		Spec json.RawMessage `json:"spec"`
	}
	p.add("manifest", json.Unmarshal(raw, &envelope))
	p.addSchema("spec", envelope.Spec, &dashboardv2.Dashboard{}, &dashboardv2.Dashboard{})
	p.addElements(envelope.Spec)
	return p
}

func (p *problems) addElements(spec []byte) {
	var parts struct {
		Elements map[string]struct {
			Spec struct {
				VizConfig struct {
					Group string `json:"group"`
					Spec  struct {
						FieldConfig fieldConfig `json:"fieldConfig"`
					} `json:"spec"`
				} `json:"vizConfig"`
				Data struct {
					Spec struct {
						Queries []struct {
							Spec struct {
								Query struct {
									Group string          `json:"group"`
									Spec  json.RawMessage `json:"spec"`
								} `json:"query"`
							} `json:"spec"`
						} `json:"queries"`
					} `json:"spec"`
				} `json:"data"`
			} `json:"spec"`
		} `json:"elements"`
	}
	p.add("spec", json.Unmarshal(spec, &parts))
	for name, element := range parts.Elements {
		path := "spec.elements." + name
		queries := []json.RawMessage{}
		for index, query := range element.Spec.Data.Spec.Queries {
			if query.Spec.Query.Group != dataSource {
				p.add(fmt.Sprintf("%s.queries[%d]", path, index), fmt.Errorf("its group is '%s', not '%s'", query.Spec.Query.Group, dataSource))
			}
			queries = append(queries, query.Spec.Query.Spec)
		}
		viz := element.Spec.VizConfig
		p.addPanel(path, viz.Group, viz.Spec.FieldConfig.Defaults.Custom, queries)
	}
}

func check(raw []byte) problems {
	var form struct {
		ApiVersion string `json:"apiVersion"`
	}
	if err := json.Unmarshal(raw, &form); err != nil {
		return problems{err.Error()}
	}
	if form.ApiVersion == "" {
		return checkClassic(raw)
	}
	return checkV2(raw)
}

func main() {
	plugins.RegisterDefaultPlugins()
	failed := false
	for _, file := range os.Args[1:] {
		raw, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		for _, problem := range check(raw) {
			failed = true
			fmt.Printf("%s: %s\n", filepath.Base(file), problem)
		}
	}
	if failed {
		os.Exit(1)
	}
}
