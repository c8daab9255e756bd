// Command verdict says what GitOps tools make of Kubernetes objects: Argo CD by a health script in Lua, Flux by kstatus.
//
// Standard input: {"script": LUA, "objects": [OBJECT…]}. Standard output: one verdict for each object, in their order.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type answer struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type verdict struct {
	ArgoCD  answer `json:"argocd"`
	Kstatus answer `json:"kstatus"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "verdict:", err)
		os.Exit(1)
	}
}

func run() error {
	var input struct {
		Script  string           `json:"script"`
		Objects []map[string]any `json:"objects"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		return err
	}
	verdicts := []verdict{}
	for _, object := range input.Objects {
		health, err := runHealth(input.Script, object)
		if err != nil {
			return fmt.Errorf("health script: %w", err)
		}
		// kstatus takes whole numbers as int64 only, as a client's decoder makes them.
		content, err := json.Marshal(object)
		if err != nil {
			return err
		}
		var decoded unstructured.Unstructured
		if err := decoded.UnmarshalJSON(content); err != nil {
			return err
		}
		result, err := status.Compute(&decoded)
		if err != nil {
			return fmt.Errorf("kstatus: %w", err)
		}
		verdicts = append(verdicts, verdict{health, answer{string(result.Status), result.Message}})
	}
	return json.NewEncoder(os.Stdout).Encode(verdicts)
}

// runHealth gives the script what Argo CD gives it: the object as `obj`, the base and table libraries (no string, no
// math), and a second.
func runHealth(script string, object map[string]any) (answer, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		params := lua.P{Fn: state.NewFunction(open), NRet: 0, Protect: true}
		if err := state.CallByParam(params, lua.LString(name)); err != nil {
			return answer{}, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return answer{}, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return answer{}, errors.New("it returned no table")
	}
	return answer{text(table, "status"), text(table, "message")}, nil
}

func text(table *lua.LTable, key string) string {
	if value, ok := table.RawGetString(key).(lua.LString); ok {
		return string(value)
	}
	return ""
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}
