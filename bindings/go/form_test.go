package creche_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"libcreche/creche"
)

func TestBodiesAreFilesAndForms(t *testing.T) {
	base := handler(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			file, header, err := r.FormFile("f")
			if err != nil {
				http.Error(w, err.Error(), 400)
				return
			}
			content, _ := io.ReadAll(file)
			fmt.Fprintf(w, "%s %s %s %s", r.FormValue("a"), header.Filename, header.Header.Get("Content-Type"), content)
			return
		}
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(r.Body)
		}
		io.Copy(w, body)
	})
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	web := session(t, &creche.SessionOptions{FailOnStatus: true})
	do := func(want string, r creche.Request) {
		t.Helper()
		r.URL = base
		if got, err := web.Do(context.Background(), &r); err != nil || string(got.Body) != want {
			t.Errorf("%v, %+v", err, got)
		}
	}
	do("234", creche.Request{BodyFile: &creche.FilePart{File: file, Offset: 2, Size: 3}})
	do("0123456789", creche.Request{BodyFile: &creche.FilePart{File: file}, Coding: creche.Gzip})
	do("body", creche.Request{Body: []byte("body"), Coding: creche.Gzip, ExpectContinue: true})
	do("body", creche.Request{BodyReader: strings.NewReader("body"), Coding: creche.Gzip})
	fields := []creche.FormField{{Name: "a", Value: "b c"}, {Name: "d", Value: "\u00e4"}}
	do("a=b+c&d=%C3%A4", creche.Request{Form: &creche.Form{Fields: fields}})
	do("", creche.Request{Form: &creche.Form{}})
	fields = append(fields, creche.FormField{Name: "f", File: &creche.FilePart{File: file}, Filename: "f.txt", ContentType: "text/plain"})
	do("b c f.txt text/plain 0123456789", creche.Request{Form: &creche.Form{Fields: fields}})
	_, err = web.Do(context.Background(), &creche.Request{URL: base, BodyFile: &creche.FilePart{File: file, Offset: 9, Size: 3}})
	if !errors.Is(err, creche.ErrBody) {
		t.Error(err)
	}
}
