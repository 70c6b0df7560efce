// Package escpostest is a ticket printer for tests: it reads the language back into pictures, strictly, and can run out of paper.
package escpostest

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"net"
	"sync"
	"testing"
)

// Paper is what came out between two cuts.
type Paper struct {
	Image *image.Gray
	Cut   bool // else it is torn off
}

// Decode reads everything until r ends, and refuses what a ticket of Parvis does not have. answer is called for each DLE EOT, as soon as it is
// read; nil: none may come.
func Decode(r io.Reader, answer func(n byte) error) (all []Paper, err error) {
	in := bufio.NewReader(r)
	var rows [][]byte
	began := false
	for {
		verb, err := in.ReadByte()
		if errors.Is(err, io.EOF) {
			if len(rows) > 0 {
				return all, errors.New("escpostest: it ended before a ticket did")
			}
			return all, nil
		}
		if err != nil {
			return all, err
		}
		next := func(n int) ([]byte, error) {
			b := make([]byte, n)
			_, err := io.ReadFull(in, b)
			return b, err
		}
		b, err := next(1)
		if err != nil {
			return all, err
		}
		switch command := string(rune(verb)) + string(rune(b[0])); {
		case command == "\x10\x04": // DLE EOT n
			n, err := next(1)
			if err == nil && answer == nil {
				err = errors.New("escpostest: a question")
			}
			if err == nil {
				err = answer(n[0])
			}
			if err != nil {
				return all, err
			}
		case command == "\x1b@": // ESC @
			if len(rows) > 0 {
				return all, errors.New("escpostest: ESC @ within a ticket")
			}
			began = true
		case !began:
			return all, fmt.Errorf("escpostest: %q before ESC @: what was set before would hold", command)
		case command == "\x1dv": // GS v 0 m xL xH yL yH
			h, err := next(6)
			if err != nil {
				return all, err
			}
			wide, high := int(h[2])+int(h[3])<<8, int(h[4])+int(h[5])<<8
			if h[0] != '0' || h[1] != 0 || wide < 1 || wide > 128 || high < 1 || high > 4095 || len(rows) > 0 && len(rows[0]) != wide {
				return all, fmt.Errorf("escpostest: GS v %q: %d bytes by %d rows", h[:2], wide, high)
			}
			for range high {
				row, err := next(wide)
				if err != nil {
					return all, err
				}
				rows = append(rows, row)
			}
		case command == "\x1bd" || command == "\x1dV": // ESC d n, GS V 66 n
			n, err := next(1)
			if err == nil && command == "\x1dV" {
				if n[0] != 66 {
					return all, fmt.Errorf("escpostest: GS V %d", n[0])
				}
				_, err = next(1)
			}
			if err != nil || len(rows) == 0 {
				return all, errors.Join(err, errors.New("escpostest: the end of no ticket"))
			}
			all = append(all, Paper{Image: picture(rows), Cut: command == "\x1dV"})
			rows, began = nil, false
		default:
			return all, fmt.Errorf("escpostest: no command %q", command)
		}
	}
}

func picture(rows [][]byte) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 8*len(rows[0]), len(rows)))
	for y, row := range rows {
		for x := range 8 * len(row) {
			img.SetGray(x, y, color.Gray{Y: 255})
			if row[x/8]&(0x80>>(x%8)) != 0 {
				img.SetGray(x, y, color.Gray{})
			}
		}
	}
	return img
}

// Printer is one on a TCP port, as network printers have 9100.
type Printer struct {
	Addr string

	mu     sync.Mutex
	papers []Paper
	status [5]byte // answers, by question
	mute   bool
	err    error
}

// Fine is the answer of a printer that has nothing to say.
const Fine = 0x12

// Start begins one, on 127.0.0.1, until the test ends. What it could not read fails the test.
func Start(t testing.TB) *Printer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return StartOn(t, ln)
}

// StartOn begins one on a listener, which it closes.
func StartOn(t testing.TB, ln net.Listener) *Printer {
	t.Helper()
	p := &Printer{Addr: ln.Addr().String(), status: [5]byte{1: Fine, 2: Fine, 3: Fine, 4: Fine}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p.serve(c) // one after the other, as such printers do
		}
	})
	t.Cleanup(func() {
		ln.Close()
		all.Wait()
		if p.err != nil {
			t.Error(p.err)
		}
	})
	return p
}

func (p *Printer) serve(c net.Conn) {
	defer c.Close()
	papers, err := Decode(c, func(n byte) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if n > 4 || p.mute {
			return nil
		}
		_, err := c.Write([]byte{p.status[n]})
		return err
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.papers = append(p.papers, papers...)
	p.err = errors.Join(p.err, err)
}

// Say makes it answer so to a question: 0x12 and the bits that are set.
func (p *Printer) Say(question int, answer byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status[question] = answer
}

// Mute makes it answer nothing, as many printers do.
func (p *Printer) Mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = true
}

// Papers is what has come out of connections that have ended.
func (p *Printer) Papers() []Paper {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Paper(nil), p.papers...)
}
