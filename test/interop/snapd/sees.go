package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/snapcore/snapd/asserts"
	"github.com/snapcore/snapd/dirs"
	"github.com/snapcore/snapd/progress"
	"github.com/snapcore/snapd/snap"
	"github.com/snapcore/snapd/store"
)

// trustForStore does what "snap set system store-certs.NAME=PEM" does, below the root that dirs has now.
func trustForStore(files []string) {
	for i, file := range files {
		data, err := os.ReadFile(file)
		must(err)
		must(os.MkdirAll(dirs.SnapdStoreSSLCertsDir, 0755))
		must(os.WriteFile(filepath.Join(dirs.SnapdStoreSSLCertsDir, fmt.Sprintf("cert%d.pem", i)), data, 0644))
	}
}

// sight is what a device gets of one snap, by each way that snapd has of asking.
type sight struct {
	Ways    []string          `json:"ways"`    // those that led to the snap
	Address string            `json:"address"` // where it is downloaded from, when the device was told
	Errors  map[string]string `json:"errors"`  // what snapd says of the other ways
}

func (s *sight) try(way string, f func() error) {
	if err := f(); err != nil {
		s.Errors[way] = short(err)
		return
	}
	s.Ways = append(s.Ways, way)
}

// cmdSees asks for snaps in every way that snapd has: by name, search, id, assertion and download address.
func cmdSees(args []string) {
	fs := flag.NewFlagSet("sees", flag.ExitOnError)
	base := fs.String("url", "", "store base URL")
	chain := fs.String("chain", "", "folder made by devicesim chain")
	keyFile := fs.String("key", "", "device key PEM")
	serialFile := fs.String("serial", "", "serial assertion of the device")
	modelName := fs.String("model", "model-a", "model name in the manifest, or a model assertion file")
	anonymous := fs.Bool("anonymous", false, "ask as a device that has no serial yet")
	var certs, addresses multiFlag
	fs.Var(&certs, "store-cert", "certificate that the device trusts for its store (repeatable)")
	fs.Var(&addresses, "address", "NAME=URL: a download address that somebody else was told (repeatable)")
	must(fs.Parse(args))
	if *base == "" || *chain == "" || *keyFile == "" || *serialFile == "" {
		die("sees needs --url, --chain, --key and --serial")
	}
	s, err := newSuite(*base, *chain, *modelName, *keyFile, *serialFile, "", "proxy", 4096, true)
	if err != nil {
		die("%v", err)
	}
	defer os.RemoveAll(s.workDir)
	trustForStore(certs)
	told := map[string]string{}
	for _, a := range addresses {
		if name, address, ok := strings.Cut(a, "="); ok {
			told[name] = address
		}
	}
	sto := s.newStore(s.dev)
	if *anonymous {
		sto = s.anonDevice()
	}
	res := map[string]*sight{}
	for _, name := range fs.Args() {
		ms := s.m.snap(name)
		for i := range s.m.OtherSnaps {
			if s.m.OtherSnaps[i].Name == name {
				ms = &s.m.OtherSnaps[i]
			}
		}
		if ms == nil {
			die("the chain has no snap %q", name)
		}
		res[name] = s.look(sto, ms, told[name])
	}
	printJSON(res)
}

func (s *suite) look(sto *simStore, ms *ManifestSnap, address string) *sight {
	ctx := context.Background()
	opts := &store.RefreshOptions{PrivacyKey: "0123456789"}
	res := &sight{Ways: []string{}, Errors: map[string]string{}, Address: address}
	rev := ms.rev(ms.inChannel("latest", "stable"))
	res.try("info", func() error {
		_, err := sto.SnapInfo(ctx, store.SnapSpec{Name: ms.Name}, nil)
		return err
	})
	res.try("find", func() error {
		found, err := sto.Find(ctx, &store.Search{Query: ms.Name, Prefix: true}, nil)
		for _, info := range found {
			if info.SnapID == ms.SnapID {
				return nil
			}
		}
		if err == nil {
			err = fmt.Errorf("not among %d", len(found))
		}
		return err
	})
	action := func(way string, cur []*store.CurrentSnap, act *store.SnapAction) {
		res.try(way, func() error {
			sars, _, err := sto.SnapAction(ctx, cur, []*store.SnapAction{act}, nil, nil, opts)
			if err != nil {
				return err
			}
			if len(sars) != 1 {
				return fmt.Errorf("%d results", len(sars))
			}
			res.Address = sars[0].DownloadURL
			return nil
		})
	}
	action("install", nil, &store.SnapAction{Action: "install", InstanceName: ms.Name})
	action("install-revision", nil, &store.SnapAction{Action: "install", InstanceName: ms.Name, Revision: snap.R(1)})
	action("download-action", nil, &store.SnapAction{Action: "download", InstanceName: ms.Name})
	cur := []*store.CurrentSnap{{InstanceName: ms.Name, SnapID: ms.SnapID, Revision: snap.R(999), TrackingChannel: "latest/stable", Epoch: snap.E("0")}}
	action("refresh", cur, &store.SnapAction{Action: "refresh", InstanceName: ms.Name, SnapID: ms.SnapID})
	res.try("snap-declaration", func() error {
		_, err := sto.Assertion(asserts.SnapDeclarationType, []string{"16", ms.SnapID}, nil)
		return err
	})
	res.try("snap-revision", func() error {
		_, err := sto.Assertion(asserts.SnapRevisionType, []string{rev.Sha3_384B64, "global-upload"}, nil)
		return err
	})
	res.try("download", func() error {
		if res.Address == "" {
			return fmt.Errorf("no address")
		}
		target := filepath.Join(s.workDir, ms.Name+".snap")
		info := &snap.DownloadInfo{DownloadURL: res.Address, Size: rev.Size, Sha3_384: rev.Sha3_384}
		return sto.Download(ctx, ms.Name, target, info, progress.Null, nil, nil)
	})
	return res
}
