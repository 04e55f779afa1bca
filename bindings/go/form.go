package creche

import (
	"io"
	"os"

	"libcreche/creche/internal/cx"
)

// Coding is how the body of a request is coded.
type Coding uint32

// The codings.
const (
	NoCoding Coding = iota
	Gzip            = Coding(cx.CodingGzip)
	Deflate         = Coding(cx.CodingDeflate)
)

// FilePart is a part of a file, read at its offset while it is sent, and anew each time.
type FilePart struct {
	File   *os.File
	Offset int64
	Size   int64 // 0: to the end, as it is when the request is started; fewer bytes are ErrBody
}

func (f *FilePart) c() *cx.File {
	if f == nil || f.File == nil {
		return nil
	}
	size := f.Size
	if size == 0 {
		size = -1
	}
	return &cx.File{FD: f.File.Fd(), Offset: f.Offset, Size: size}
}

// FormField is a field of a form: its value, or a file.
type FormField struct {
	Name, Value string
	File        *FilePart
	Filename    string // what the server is told as the name of a file
	ContentType string
}

// Form is a body: urlencoded, or multipart/form-data if a field has a file, a filename or a type.
type Form struct {
	Fields    []FormField
	Multipart bool // in any case
}

// begins is where a body is now, if it can be read again from there.
func begins(body io.Reader) (int64, bool) {
	if seeker, ok := body.(io.Seeker); ok {
		at, err := seeker.Seek(0, io.SeekCurrent)
		return at, err == nil
	}
	return 0, false
}

func (r *Request) fillBody(c *cx.Request) {
	c.Coding, c.File, c.ExpectTimeout = uint32(r.Coding), r.BodyFile.c(), never(r.ExpectTimeout)
	c.ToFile = r.ToFile.c()
	if r.ExpectContinue {
		c.Flags |= cx.RequestExpect
	}
	if r.Form == nil {
		return
	}
	c.Form()
	if r.Form.Multipart {
		c.Flags |= cx.RequestMultipart
	}
	for _, f := range r.Form.Fields {
		c.Part(f.Name, f.Value, f.File.c(), f.Filename, f.ContentType)
	}
}
