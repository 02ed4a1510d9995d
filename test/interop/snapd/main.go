// devicesim drives a snap store / model service with snapd's own client code.
package main

import (
	"fmt"
	"os"

	_ "golang.org/x/crypto/sha3" // registers crypto.SHA3_384

	"github.com/snapcore/snapd/interfaces/builtin"
	"github.com/snapcore/snapd/snap"
	"github.com/snapcore/snapd/snapdenv"
)

func main() {
	// as cmd/snapd does: needed to parse snap-yaml in store results
	snap.SanitizePlugsSlots = builtin.SanitizePlugsSlots
	snapdenv.SetUserAgentFromVersion("2.77+devicesim", nil, "devicesim")
	cmds := map[string]func([]string){
		"chain": cmdChain, "serial": cmdSerial, "session": cmdSession, "load": cmdLoad, "sees": cmdSees,
		"account-key": cmdAccountKey, "fakeserver": cmdFakeserver, "fakestore": cmdFakestore, "selftest": cmdSelftest, "verify": cmdVerify, "assertions": cmdAssertions,
	}
	if len(os.Args) < 2 || cmds[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: devicesim chain|account-key|serial|session|sees|load|fakeserver|fakestore|selftest|verify|assertions [--help]")
		os.Exit(2)
	}
	cmds[os.Args[1]](os.Args[2:])
}
