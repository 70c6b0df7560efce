package table

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sheet is one table of a spreadsheet.
type Sheet struct {
	Name  string
	Table Table
	// Numbers are the columns whose cells are numbers where they are digits alone; every other cell is text, a postal code too.
	Numbers []int
}

// mimetype is that of a spreadsheet (OpenDocument 1.3, part 2, 3.3: the first entry of the package, not compressed).
const mimetype = "application/vnd.oasis.opendocument.spreadsheet"

const manifest = `<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">` +
	`<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="` + mimetype + `"/>` +
	`<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>`

const contentHead = `<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" ` +
	`xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" ` +
	`xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" ` +
	`office:version="1.3"><office:automatic-styles>` +
	`<style:style style:name="head" style:family="table-cell"><style:text-properties fo:font-weight="bold"/></style:style>` +
	`<style:style style:name="wide" style:family="table-column"><style:table-column-properties style:column-width="5.5cm"/></style:style>` +
	`</office:automatic-styles><office:body><office:spreadsheet>`

const contentTail = `</office:spreadsheet></office:body></office:document-content>`

// ODS writes sheets as an OpenDocument spreadsheet, which LibreOffice, Collabora and Excel open. Cells are text or numbers and never
// formulas.
func ODS(sheets []Sheet) ([]byte, error) {
	var content bytes.Buffer
	content.WriteString(contentHead)
	for _, s := range sheets {
		s.write(&content)
	}
	content.WriteString(contentTail)

	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, part := range []struct {
		name   string
		method uint16
		data   []byte
	}{
		{"mimetype", zip.Store, []byte(mimetype)},
		{"META-INF/manifest.xml", zip.Deflate, []byte(manifest)},
		{"content.xml", zip.Deflate, content.Bytes()},
	} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: part.name, Method: part.method})
		if err == nil {
			_, err = w.Write(part.data)
		}
		if err != nil {
			return nil, fmt.Errorf("table: write %s of a spreadsheet: %w", part.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("table: write a spreadsheet: %w", err)
	}
	return b.Bytes(), nil
}

func (s Sheet) write(b *bytes.Buffer) {
	fmt.Fprintf(b, `<table:table table:name="%s"><table:table-column table:style-name="wide" table:number-columns-repeated="%d"/>`, escape(s.Name), max(len(s.Table.Head), 1))
	b.WriteString(`<table:table-header-rows><table:table-row>`)
	for _, cell := range s.Table.Head {
		fmt.Fprintf(b, `<table:table-cell table:style-name="head" office:value-type="string"><text:p>%s</text:p></table:table-cell>`, escape(cell))
	}
	b.WriteString(`</table:table-row></table:table-header-rows>`)
	for _, line := range s.Table.Lines {
		b.WriteString(`<table:table-row>`)
		for i, cell := range line {
			if n, err := strconv.ParseUint(cell, 10, 64); err == nil && s.number(i) {
				fmt.Fprintf(b, `<table:table-cell office:value-type="float" office:value="%d"><text:p>%d</text:p></table:table-cell>`, n, n)
				continue
			}
			fmt.Fprintf(b, `<table:table-cell office:value-type="string"><text:p>%s</text:p></table:table-cell>`, escape(cell))
		}
		b.WriteString(`</table:table-row>`)
	}
	b.WriteString(`</table:table>`)
}

func (s Sheet) number(column int) bool {
	for _, c := range s.Numbers {
		if c == column {
			return true
		}
	}
	return false
}

func escape(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err) // a builder takes everything
	}
	return b.String()
}
