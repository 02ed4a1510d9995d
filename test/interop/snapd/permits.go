package main

import (
	"bytes"

	"github.com/snapcore/snapd/asserts"
	"github.com/snapcore/snapd/interfaces"
	"github.com/snapcore/snapd/interfaces/policy"
	"github.com/snapcore/snapd/snap"
)

// systemYaml is the side of the system that a snap with a privileged plug is connected to.
const systemYaml = "name: core\ntype: os\nversion: 1\nslots:\n  snapd-control:\n"

// answerPermits asks snapd's interface policy whether a snap is installed and its plug snapd-control connects by itself. Of the device
// the stream has the model and, where the device got one, the assertion of its store; of the snap the declaration.
func answerPermits(q *question) answer {
	list, err := decodeStream(bytes.NewReader(q.Encoded))
	if err != nil {
		return answer{Stage: "decode", Error: err.Error()}
	}
	var decl *asserts.SnapDeclaration
	var model *asserts.Model
	var store *asserts.Store
	for _, a := range list {
		switch a := a.(type) {
		case *asserts.SnapDeclaration:
			decl = a
		case *asserts.Model:
			model = a
		case *asserts.Store:
			store = a
		}
	}
	info, err := snap.InfoFromSnapYaml([]byte(q.SnapYaml))
	if err != nil {
		return answer{Stage: "question", Error: err.Error()}
	}
	base := asserts.BuiltinBaseDeclaration()
	install := policy.InstallCandidate{
		Snap: info, SnapDeclaration: decl, BaseDeclaration: base, Model: model, Store: store,
	}
	if err := install.Check(); err != nil {
		return answer{Stage: "installation", Error: err.Error()}
	}
	system, err := snap.InfoFromSnapYaml([]byte(systemYaml))
	must(err)
	snapSet, err := interfaces.NewSnapAppSet(info, nil)
	must(err)
	systemSet, err := interfaces.NewSnapAppSet(system, nil)
	must(err)
	connect := policy.ConnectCandidate{
		Plug:                interfaces.NewConnectedPlug(info.Plugs["snapd-control"], snapSet, nil, nil),
		PlugSnapDeclaration: decl,
		Slot:                interfaces.NewConnectedSlot(system.Slots["snapd-control"], systemSet, nil, nil),
		BaseDeclaration:     base,
		Model:               model,
		Store:               store,
	}
	if _, err := connect.CheckAutoConnect(); err != nil {
		return answer{Stage: "auto-connection", Error: err.Error()}
	}
	return answer{Accepted: true}
}
