module airlock.test/interop/snapd

go 1.26

require (
	github.com/snapcore/snapd v0.0.0-20260821165255-bee548f74706
	golang.org/x/crypto v0.23.0
)

require (
	github.com/canonical/cpuid v0.0.0-20220614022739-219e067757cb // indirect
	github.com/canonical/go-efilib v1.8.0 // indirect
	github.com/canonical/go-kbkdf v0.0.0-20250104172618-3b1308f9acf9 // indirect
	github.com/canonical/go-password-validator v0.0.0-20250617132709-1b205303ca54 // indirect
	github.com/canonical/go-sp800.90a-drbg v0.0.0-20210314144037-6eeb1040d6c3 // indirect
	github.com/canonical/go-tpm2 v1.16.2 // indirect
	github.com/canonical/tcglog-parser v0.0.0-20240924110432-d15eaf652981 // indirect
	github.com/chai2010/gettext-go v1.0.3 // indirect
	github.com/cilium/ebpf v0.9.1 // indirect
	github.com/godbus/dbus/v5 v5.1.0 // indirect
	github.com/gorilla/mux v1.8.0 // indirect
	github.com/juju/ratelimit v1.0.1 // indirect
	github.com/mattn/go-runewidth v0.0.15 // indirect
	github.com/pilebones/go-udev v0.9.0 // indirect
	github.com/rivo/uniseg v0.2.0 // indirect
	github.com/snapcore/secboot v0.0.0-20260814094831-dd95d855ad64 // indirect
	golang.org/x/exp v0.0.0-20240416160154-fe59bbe5cc7f // indirect
	golang.org/x/net v0.21.0 // indirect
	golang.org/x/sync v0.8.0 // indirect
	golang.org/x/sys v0.21.0 // indirect
	golang.org/x/term v0.20.0 // indirect
	golang.org/x/xerrors v0.0.0-20220609144429-65e65417b02f // indirect
	gopkg.in/macaroon.v1 v1.0.0 // indirect
	gopkg.in/retry.v1 v1.0.3 // indirect
	gopkg.in/tomb.v2 v2.0.0-20161208151619-d5d1b5820637 // indirect
	gopkg.in/yaml.v2 v2.4.0 // indirect
	maze.io/x/crypto v0.0.0-20190131090603-9b94c9afe066 // indirect
)

// maze.io/x/crypto/afis is imported by secboot (same replace as snapd's own go.mod)
replace maze.io/x/crypto => github.com/snapcore/maze.io-x-crypto v0.0.0-20190131090603-9b94c9afe066
