package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Folder is where reports are dropped: a directory of a WebDAV server (RFC 4918). Nextcloud's is
// https://nuage.example/remote.php/dav/files/ACCOUNT/DIRECTORY/, with an application's password.
type Folder struct {
	URL          string `toml:"url"` // https; http for a loopback address alone
	User         string `toml:"user"`
	PasswordFile string `toml:"password-file"` // one line
}

// File is one file of a report.
type File struct {
	Name, Type string
	Data       []byte
}

// Files are the report as it is dropped and sent: PDF, ODS and CSV.
func (r Report) Files() ([]File, error) {
	var pdf bytes.Buffer
	if err := r.PDF(&pdf); err != nil {
		return nil, err
	}
	ods, err := r.ODS()
	if err != nil {
		return nil, err
	}
	name := r.File()
	return []File{
		{name + ".pdf", "application/pdf", pdf.Bytes()},
		{name + ".ods", "application/vnd.oasis.opendocument.spreadsheet", ods},
		{name + ".csv", "text/csv; charset=utf-8", r.CSV()},
	}, nil
}

// dropTimeout bounds the drop of one file.
const dropTimeout = time.Minute

// base is the directory's address, with the slash at its end.
func (f Folder) base() (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(f.URL, "/") + "/")
	switch {
	case err != nil:
		return nil, errors.New("report: folder's url: not an address; expected https://host/path/")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("report: folder %s: has a user, a query or a fragment; put the account into user and password-file", u.Host)
	case u.Scheme == "https":
		return u, nil
	case u.Scheme == "http" && net.ParseIP(u.Hostname()).IsLoopback():
		return u, nil
	default:
		return nil, fmt.Errorf("report: folder %s: scheme %q; expected https", u.Host, u.Scheme)
	}
}

// Drop puts files into the folder, makes it if it is not there, and takes the place of files of the same name. It may be done again.
func (f Folder) Drop(ctx context.Context, transport http.RoundTripper, files []File) error {
	base, err := f.base()
	if err != nil {
		return err
	}
	password, err := os.ReadFile(f.PasswordFile)
	if err != nil {
		return fmt.Errorf("report: read the folder's password: %w", err)
	}
	c := dropper{
		http: http.Client{
			Transport: transport, Timeout: dropTimeout,
			// A password goes to the server that is configured and to no other.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		user: f.User, password: strings.TrimSpace(string(password)),
	}
	for _, file := range files {
		at := base.JoinPath(file.Name)
		status, err := c.do(ctx, http.MethodPut, at, file.Type, file.Data)
		if err == nil && (status == http.StatusConflict || status == http.StatusNotFound) { // the directory is not there (RFC 4918, 9.7.1)
			if status, err = c.do(ctx, "MKCOL", base, "", nil); err == nil && status/100 != 2 && status != http.StatusMethodNotAllowed {
				return fmt.Errorf("report: make folder %s: the server answers %d; make it by hand", base.Path, status)
			}
			if err == nil {
				status, err = c.do(ctx, http.MethodPut, at, file.Type, file.Data)
			}
		}
		if err != nil {
			return fmt.Errorf("report: drop %s at %s: %w", file.Name, base.Host, err)
		}
		switch {
		case status == http.StatusUnauthorized:
			return fmt.Errorf("report: drop %s at %s: the server refuses the account or its password", file.Name, base.Host)
		case status/100 != 2:
			return fmt.Errorf("report: drop %s at %s: the server answers %d; expected 201 or 204", file.Name, base.Host, status)
		}
	}
	return nil
}

type dropper struct {
	http           http.Client
	user, password string
}

func (c *dropper) do(ctx context.Context, method string, at *url.URL, kind string, data []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth(c.user, c.password)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection serves again
	return res.StatusCode, err
}
