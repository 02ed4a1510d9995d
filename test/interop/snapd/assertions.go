package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/snapcore/snapd/asserts"
)

// question is one line of JSON on standard input of "devicesim assertions"; answer is the line that replies to it.
type question struct {
	Op string `json:"op"`
	// decode, stream, trust, permits: the encoded assertion or stream
	Encoded []byte `json:"encoded,omitempty"`
	// decode: an encoded public key that the signature is checked against
	Key string `json:"key,omitempty"`
	// sign: private key in PEM, what to sign with it
	Pem     string         `json:"pem,omitempty"`
	Type    string         `json:"type,omitempty"`
	Headers map[string]any `json:"headers,omitempty"`
	Body    []byte         `json:"body,omitempty"`
	// trust: streams of trusted roots and of what is known besides
	Trusted []byte `json:"trusted,omitempty"`
	Known   []byte `json:"known,omitempty"`
	// permits: the snap.yaml of a snap with the plug snapd-control
	SnapYaml string `json:"snap-yaml,omitempty"`
}

type answer struct {
	Accepted bool   `json:"accepted"`
	Error    string `json:"error,omitempty"`
	// Stage names what refused: decode, signature, installation and so on
	Stage string `json:"stage,omitempty"`
	// sign: the encoded assertion; decode: snapd's own encoding of what it decoded
	Encoded []byte         `json:"encoded,omitempty"`
	Headers map[string]any `json:"headers,omitempty"`
	Count   int            `json:"count,omitempty"`
}

// cmdAssertions answers questions about single assertions with snapd's own code, one JSON line each, until its input ends.
func cmdAssertions(_ []string) {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			b, jerr := json.Marshal(answerTo(line))
			must(jerr)
			out.Write(append(b, '\n'))
			if in.Buffered() == 0 {
				must(out.Flush())
			}
		}
		if err == io.EOF {
			return
		}
		must(err)
	}
}

func answerTo(line []byte) (res answer) {
	defer func() {
		if r := recover(); r != nil {
			res = answer{Stage: "panic", Error: fmt.Sprint(r)}
		}
	}()
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return answer{Stage: "question", Error: err.Error()}
	}
	switch q.Op {
	case "decode":
		return answerDecode(&q)
	case "stream":
		list, err := decodeStream(bytes.NewReader(q.Encoded))
		if err != nil {
			return answer{Stage: "decode", Error: err.Error()}
		}
		return answer{Accepted: true, Count: len(list), Encoded: encodeStream(list...)}
	case "sign":
		return answerSign(&q)
	case "trust":
		return answerTrust(&q)
	case "permits":
		return answerPermits(&q)
	}
	return answer{Stage: "question", Error: "unknown op " + q.Op}
}

func answerDecode(q *question) answer {
	a, err := asserts.Decode(q.Encoded)
	if err != nil {
		return answer{Stage: "decode", Error: err.Error()}
	}
	if q.Key != "" {
		key, err := asserts.DecodePublicKey([]byte(q.Key))
		if err == nil {
			err = asserts.SignatureCheck(a, key)
		}
		if err != nil {
			return answer{Stage: "signature", Error: err.Error()}
		}
	}
	return answer{Accepted: true, Encoded: asserts.Encode(a), Headers: a.Headers()}
}

func answerSign(q *question) answer {
	t := asserts.Type(q.Type)
	if t == nil {
		return answer{Stage: "sign", Error: "unknown type"}
	}
	s, err := signerFor(q.Pem)
	if err != nil {
		return answer{Stage: "question", Error: err.Error()}
	}
	a, err := s.signAny(t, q.Headers, q.Body)
	if err != nil {
		return answer{Stage: "sign", Error: err.Error()}
	}
	return answer{Accepted: true, Encoded: asserts.Encode(a)}
}

var signers = map[string]*signer{}

func signerFor(pem string) (*signer, error) {
	if s := signers[pem]; s != nil {
		return s, nil
	}
	k, err := parsePEMKey([]byte(pem))
	if err != nil {
		return nil, err
	}
	signers[pem] = newSigner("", k)
	return signers[pem], nil
}

// signAny signs any type with the format that its content needs; unlike sign it keeps authority-id as given.
func (s *signer) signAny(t *asserts.AssertionType, headers map[string]any, body []byte) (asserts.Assertion, error) {
	f, err := asserts.SuggestFormat(t, headers, body)
	if err != nil {
		return nil, err
	}
	text, _ := headers["format"].(string)
	given, err := strconv.Atoi(text)
	if f > 0 && f > given && (headers["format"] == nil || err == nil) {
		headers["format"] = strconv.Itoa(f)
	}
	if headers["authority-id"] == nil {
		return asserts.SignWithoutAuthority(t, headers, body, s.key)
	}
	return s.db.Sign(t, headers, body, s.key.PublicKey().ID())
}

// answerTrust asks snapd's assertion database to take an assertion, given roots and what it knows already.
func answerTrust(q *question) answer {
	trusted, err := decodeStream(bytes.NewReader(q.Trusted))
	if err != nil {
		return answer{Stage: "question", Error: err.Error()}
	}
	known, err := decodeStream(bytes.NewReader(q.Known))
	if err != nil {
		return answer{Stage: "question", Error: err.Error()}
	}
	db := openDB(trusted)
	if err := addAll(db, known); err != nil {
		return answer{Stage: "known", Error: err.Error()}
	}
	a, err := asserts.Decode(q.Encoded)
	if err != nil {
		return answer{Stage: "decode", Error: err.Error()}
	}
	if err := db.Check(a); err != nil {
		return answer{Stage: "trust", Error: err.Error()}
	}
	return answer{Accepted: true}
}
