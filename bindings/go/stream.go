package creche

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"libcreche/creche/internal/cx"
)

// Stream is an answer whose body is read as it comes. Not reading holds the server back. It belongs to
// the task, group or loop of the context that it was sent with, and ends with it; Close ends it before.
type Stream struct {
	Status int
	Header http.Header
	URL    string // that answered, after redirects
	// What came behind the body; there once Read has said io.EOF.
	Trailer http.Header

	loop   *Loop
	ctx    context.Context
	cancel context.CancelFunc // ends a Read that waits
	in     *scope
	handle uint64
	of     *http.Response // of a RoundTripper: gets the trailer, too
	closed atomic.Bool

	mu     sync.Mutex // of a Read
	err    error      // of the body, sticky
	buffer []byte
	rest   []byte // of the buffer, not given out yet
	left   int64  // of the body as its headers promise; -1 if they do not say
}

// bigRead is from where on bytes go straight to the caller's memory; below, more is read ahead.
const bigRead = 16 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// Send sends a request and returns at the head of the answer. If that comes before the request's
// BodyReader has ended, the reader is read on beside the answer, until it ends or the Stream is closed.
func (s *Session) Send(ctx context.Context, r *Request) (*Stream, error) {
	w := newWaiter(takeValue)
	defer w.free()
	w.fill(r)
	in := s.loop.where(ctx)
	if e := s.exchange(ctx, in, w, r.BodyReader, false, true); e != nil {
		return nil, e
	}
	return s.stream(ctx, in, w)
}

func (s *Session) stream(ctx context.Context, in *scope, w *waiter) (*Stream, error) {
	stream := &Stream{Status: int(w.code), loop: s.loop, ctx: ctx, in: in, handle: w.value}
	stream.ctx, stream.cancel = context.WithCancel(ctx)
	var e *Error
	if stream.URL, stream.Header, _, e = w.head(false); e != nil {
		stream.cancel()
		return nil, e
	}
	runtime.SetFinalizer(stream, (*Stream).release)
	stream.left = promised(stream.Header)
	return stream, nil
}

// promised is how many bytes the body will have when it comes as it is; -1 if that is not known.
func promised(header http.Header) int64 {
	if len(header["Transfer-Encoding"]) > 0 || len(header["Content-Encoding"]) > 0 || len(header["Content-Length"]) != 1 {
		return -1
	}
	length, err := strconv.ParseInt(header["Content-Length"][0], 10, 64)
	if err != nil || length <= 0 {
		return -1
	}
	return length
}

// Read reads the body. It ends with io.EOF, with the failure of the body, or with the context that the
// request was sent with.
func (s *Stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if len(s.rest) > 0 {
		return s.give(p), nil
	}
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	if len(p) >= bigRead {
		n, err := s.read(p)
		if n > 0 && err != nil {
			s.release()
		}
		return n, err
	}
	if s.buffer == nil {
		s.buffer = *buffers.Get().(*[]byte)
	}
	n, err := s.read(s.buffer)
	if n == 0 {
		return 0, err
	}
	s.rest = s.buffer[:n]
	return s.give(p), nil
}

// give copies what was read ahead.
func (s *Stream) give(p []byte) int {
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	if len(s.rest) == 0 && s.err != nil {
		s.release() // it was the last of it
	}
	return n
}

func (s *Stream) read(p []byte) (int, error) {
	w := newWaiter(takeBytes)
	defer w.free()
	w.into = p
	e := s.loop.callIn(s.ctx, s.in, w, func(tail cx.Tail) cx.Started { return cx.Read(s.handle, tail, len(p)) })
	switch {
	case e != nil:
		s.err = e
		if s.closed.Load() {
			s.err = http.ErrBodyReadAfterClose
		}
	case w.kind == cx.End:
		s.err = io.EOF
		s.takeTrailer()
	default:
		if s.left -= int64(w.n); s.left != 0 {
			return w.n, nil
		}
		// That was all of it: no need to ask for the end. The response goes, and with it the task or
		// group that it held open.
		s.err = io.EOF
		s.giveUp()
		return w.n, s.err
	}
	s.release()
	return 0, s.err
}

func (s *Stream) giveUp() {
	if s.handle != 0 {
		cx.ResponseRelease(s.handle)
		s.handle = 0
	}
}

// release gives the response up and the buffer back.
func (s *Stream) release() {
	s.giveUp()
	s.cancel()
	if s.buffer != nil {
		buffer := s.buffer
		s.buffer, s.rest = nil, nil
		buffers.Put(&buffer)
	}
	runtime.SetFinalizer(s, nil)
}

// Close gives the answer up. If its body was not read to the end, its connection is closed.
func (s *Stream) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
	return nil
}
