// Package escpos is as much of the language of ticket printers as Parvis speaks: a ticket as one picture, a cut, and the question what is
// wrong (Epson, "ESC/POS Command Reference": ESC @, GS v 0, ESC d, GS V, DLE EOT).
//
// Tickets are pictures because that is what prints the same everywhere: which code page a printer has, where its é is and whether it has a
// QR command differ from maker to maker and are not asked (docs/adr/0024-hardware.md).
package escpos

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
)

// Dots of a head in its width, at 8 a millimetre: 48 mm on paper of 58 mm, 72 mm on paper of 80 mm.
const (
	Dots58 = 384
	Dots80 = 576
)

// Bounds of a picture, in dots.
const (
	MostWidth  = 1024 // heads of 112 mm paper have 832
	MostHeight = 8 * 2000
)

// band is how many rows are sent at once. The smallest printers have room for some thousand bytes.
const band = 128

// ErrSize is a picture that no ticket printer takes.
var ErrSize = errors.New("escpos: not the size of a ticket")

// Ticket writes a picture and what ends a ticket: a cut, or enough paper to tear it off by hand. What is darker than mid grey is printed.
func Ticket(w io.Writer, img image.Image, cut bool) error {
	b := img.Bounds()
	width, height := b.Dx(), b.Dy()
	if width < 8 || width > MostWidth || width%8 != 0 || height < 1 || height > MostHeight {
		return fmt.Errorf("%w: %d by %d dots; expected a width of 8 to %d in eights and a height of 1 to %d", ErrSize, width, height, MostWidth, MostHeight)
	}
	out := bufio.NewWriterSize(w, width/8*band+16)
	out.WriteString("\x1b@") // ESC @: as after switching on, whoever printed before
	for top := 0; top < height; top += band {
		rows := min(band, height-top)
		out.Write([]byte{0x1d, 'v', '0', 0, byte(width / 8), byte(width / 8 >> 8), byte(rows), byte(rows >> 8)}) // GS v 0
		for y := b.Min.Y + top; y < b.Min.Y+top+rows; y++ {
			for x := b.Min.X; x < b.Max.X; x += 8 {
				out.WriteByte(eight(img, x, y))
			}
		}
		if err := out.Flush(); err != nil {
			return fmt.Errorf("escpos: write ticket: %w", err)
		}
	}
	if cut {
		out.Write([]byte{0x1d, 'V', 66, 0}) // GS V B 0: feed to the knife, and cut
	} else {
		out.Write([]byte{0x1b, 'd', 5}) // ESC d: lines, past the edge to tear at
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("escpos: write ticket: %w", err)
	}
	return nil
}

// eight packs eight dots of a row, the leftmost highest; 1 is black.
func eight(img image.Image, x, y int) (b byte) {
	for i := range 8 {
		b <<= 1
		var dark bool
		if g, ok := img.(*image.Gray); ok {
			dark = g.GrayAt(x+i, y).Y < 128
		} else {
			dark = color.GrayModel.Convert(img.At(x+i, y)).(color.Gray).Y < 128
		}
		if dark {
			b |= 1
		}
	}
	return b
}

// Status is what a printer says of itself.
type Status struct {
	Offline  bool // it takes nothing at the moment
	Cover    bool // its cover is open
	NoPaper  bool
	LowPaper bool // the end of the roll is near
	Fault    bool // the knife is stuck, the head is too hot, or worse
}

// Questions are those that Read understands the answers of: DLE EOT n.
var Questions = []byte{1, 2, 4} // printer, cause of being offline, paper

// Question is what is sent to ask one.
func Question(n byte) []byte { return []byte{0x10, 0x04, n} }

// ErrStatus is a byte that is no answer to DLE EOT.
var ErrStatus = errors.New("escpos: not a status byte")

// Read takes the answer to question n in. Each answer has four bits that are always the same (0xx1xx10), by which it is told from what a
// printer says unasked.
func (s *Status) Read(n, answer byte) error {
	if answer&0x93 != 0x12 {
		return fmt.Errorf("%w: %#02x", ErrStatus, answer)
	}
	bit := func(i int) bool { return answer&(1<<i) != 0 }
	switch n {
	case 1:
		s.Offline = bit(3)
	case 2:
		s.Cover, s.NoPaper, s.Fault = bit(2), s.NoPaper || bit(5), s.Fault || bit(6)
	case 4:
		s.LowPaper, s.NoPaper = bit(2) || bit(3), s.NoPaper || bit(5) || bit(6)
	default:
		return fmt.Errorf("%w: no question %d", ErrStatus, n)
	}
	return nil
}

// mostNoise is how many bytes that nobody asked for may come before an answer.
const mostNoise = 64

// Ask asks all the questions. The error is conn's, or ErrStatus when something else than a printer answers.
func Ask(conn io.ReadWriter) (s Status, err error) {
	for _, n := range Questions {
		if _, err := conn.Write(Question(n)); err != nil {
			return s, fmt.Errorf("escpos: ask: %w", err)
		}
		var b [1]byte
		for noise := 0; ; noise++ {
			if _, err := io.ReadFull(conn, b[:]); err != nil {
				return s, fmt.Errorf("escpos: ask: %w", err)
			}
			err := s.Read(n, b[0])
			if err == nil {
				break
			}
			if noise == mostNoise {
				return s, err
			}
		}
	}
	return s, nil
}
