package creche_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"libcreche/creche"
)

// peer is the server's side of a WebSocket.
type peer struct {
	conn net.Conn
	from *bufio.Reader
}

// send sends a frame, of less than 64 KiB; its first byte says what it is.
func (p *peer) send(first byte, payload string) {
	frame := []byte{first, byte(len(payload))}
	if len(payload) > 125 {
		frame[1] = 126
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(payload)))
	}
	p.conn.Write(append(frame, payload...))
}

// take takes a frame; 0: the client has gone.
func (p *peer) take() (first byte, payload string) {
	var start, long [2]byte
	var mask [4]byte
	if _, err := io.ReadFull(p.from, start[:]); err != nil || start[1]&0x80 == 0 {
		return 0, ""
	}
	size := int(start[1] & 0x7f)
	if size == 126 {
		io.ReadFull(p.from, long[:])
		size = int(binary.BigEndian.Uint16(long[:]))
	}
	io.ReadFull(p.from, mask[:])
	data := make([]byte, size)
	io.ReadFull(p.from, data)
	for i := range data {
		data[i] ^= mask[i%4]
	}
	return start[0], string(data)
}

// echo sends back what comes, the close, too.
func (p *peer) echo() {
	for {
		first, payload := p.take()
		if first == 0 {
			return
		}
		p.send(first, payload)
		if first&15 == 8 {
			return
		}
	}
}

// serving grants what asks for a WebSocket, with more lines in the answer, and goes on with script.
func serving(t *testing.T, more string, script func(p *peer, r *http.Request)) string {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		conn, both := must2(w.(http.Hijacker).Hijack())
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Accept: %s\r\n%s\r\n", base64.StdEncoding.EncodeToString(accept[:]), more)
		script(&peer{conn, both.Reader}, r)
	})
	return "ws" + strings.TrimPrefix(url, "http") + "/chat"
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}

func connected(t *testing.T, url string, o *creche.WebSocketOptions) *creche.WebSocket {
	t.Helper()
	socket, err := session(t, nil).WebSocket(context.Background(), &creche.Request{URL: url}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(socket.Release)
	return socket
}

func receives(t *testing.T, s *creche.WebSocket, kind creche.MessageKind, text string) {
	t.Helper()
	got, data, err := s.Receive(context.Background())
	if err != nil || got != kind || string(data) != text {
		t.Fatalf("%d, %d bytes, %v", got, len(data), err)
	}
}

func receivesClose(t *testing.T, s *creche.WebSocket, code int, reason string) {
	t.Helper()
	for i := 0; i < 2; i++ { // and again
		_, _, err := s.Receive(context.Background())
		var end *creche.CloseError
		if !errors.As(err, &end) || *end != (creche.CloseError{Code: code, Reason: reason}) || !errors.Is(err, io.EOF) ||
			!strings.HasSuffix(err.Error(), reason) {
			t.Fatal(err)
		}
	}
}

func TestWebSocketEchoes(t *testing.T) {
	ctx := context.Background()
	url := serving(t, "", func(p *peer, r *http.Request) {
		p.send(0x81, r.Header.Get("X-Who")+" "+r.URL.Path)
		p.echo()
	})
	web := session(t, nil)
	socket := must(web.WebSocket(ctx, &creche.Request{Method: "GET", URL: url, Header: http.Header{"X-Who": {"me"}}}, nil))
	defer socket.Release()
	receives(t, socket, creche.TextMessage, "me /chat")
	ok(t, socket.Send(ctx, creche.TextMessage, []byte("grüße")))
	ok(t, socket.Send(ctx, creche.TextMessage, nil))
	receives(t, socket, creche.TextMessage, "grüße")
	receives(t, socket, creche.TextMessage, "")
	big := bytes.Repeat([]byte{0, 200, 7}, 15000)
	ok(t, socket.Send(ctx, creche.BinaryMessage, big))
	receives(t, socket, creche.BinaryMessage, string(big))
	for i := 0; i < 2; i++ {
		if code, err := socket.Close(ctx, 4000+i, "bye"); code != 4000 || err != nil {
			t.Fatal(code, err)
		}
		receivesClose(t, socket, 4000, "bye")
	}
	is(t, socket.Send(ctx, creche.TextMessage, nil), creche.ErrClosed)
	if c := web.Counters(); c.Active != 0 || c.Idle != 0 || socket.Protocol() != "" {
		t.Errorf("%+v", c)
	}
}

func TestWebSocketClosedByTheServer(t *testing.T) {
	answers, frames := make(chan string, 1), make(chan string, 1)
	url := serving(t, "", func(p *peer, r *http.Request) {
		p.send(0x81, "last")
		p.send(0x88, <-frames)
		_, payload := p.take()
		answers <- payload
	})
	for _, end := range []creche.CloseError{{1005, ""}, {1001, "away"}} {
		frame := ""
		if end.Code == 1001 {
			frame = "\x03\xe9away"
		}
		frames <- frame
		socket := connected(t, url, nil)
		receives(t, socket, creche.TextMessage, "last")
		receivesClose(t, socket, end.Code, end.Reason)
		if code, err := socket.Close(context.Background(), 0, ""); code != end.Code || err != nil {
			t.Error(code, err)
		}
		if answer := <-answers; answer != strings.TrimSuffix(frame, "away") {
			t.Errorf("%q", answer)
		}
	}
}

func TestWebSocketOptions(t *testing.T) {
	asked := make(chan http.Header, 1)
	url := serving(t, "Sec-WebSocket-Protocol: chat.v2\r\n", func(p *peer, r *http.Request) {
		asked <- r.Header
		p.send(0x82, strings.Repeat("x", 17))
		p.echo()
	})
	socket := connected(t, url, &creche.WebSocketOptions{Protocols: []string{"mqtt", "chat.v2"}, MaxMessage: 16, NoCompression: true,
		Takeover: true, CloseTimeout: creche.NoTimeout})
	if socket.Protocol() != "chat.v2" {
		t.Error(socket.Protocol())
	}
	_, _, err := socket.Receive(context.Background())
	is(t, err, creche.ErrLimit)
	head := <-asked
	if head.Get("Sec-WebSocket-Protocol") != "mqtt, chat.v2" || head.Get("Sec-WebSocket-Extensions") != "" {
		t.Error(head)
	}
	// It grants what was not offered.
	_, err = session(t, nil).WebSocket(context.Background(), &creche.Request{URL: url}, nil)
	var e *creche.Error
	if !errors.As(err, &e) || e.Status != creche.ErrProtocol || e.HTTPStatus != 101 {
		t.Error(err)
	}
}

func TestWebSocketOfAServerThatIsGone(t *testing.T) {
	url := serving(t, "", func(p *peer, r *http.Request) {
		for first, _ := p.take(); first != 0; first, _ = p.take() {
		}
	})
	socket := connected(t, url, &creche.WebSocketOptions{Heartbeat: 30 * time.Millisecond})
	_, _, err := socket.Receive(context.Background())
	is(t, err, creche.ErrTimeout)
	socket = connected(t, url, &creche.WebSocketOptions{CloseTimeout: 30 * time.Millisecond})
	_, err = socket.Close(context.Background(), 1000, "bye")
	is(t, err, creche.ErrTimeout)
	socket = connected(t, serving(t, "", func(p *peer, r *http.Request) {}), nil)
	_, _, err = socket.Receive(context.Background())
	is(t, err, creche.ErrDisconnected)
}

func TestWebSocketReceivesEndAlone(t *testing.T) {
	last := make(chan string, 1)
	url := serving(t, "", func(p *peer, r *http.Request) {
		p.take()
		p.send(0x81, "answer")
		_, payload := p.take()
		last <- payload
	})
	socket := connected(t, url, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := socket.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	// One receives while another one sends.
	received := make(chan string)
	go func() {
		_, data, _ := socket.Receive(context.Background())
		received <- string(data)
	}()
	ok(t, socket.Send(context.Background(), creche.TextMessage, []byte("question")))
	if answer := <-received; answer != "answer" {
		t.Error(answer)
	}
	socket.Release()
	socket.Release()
	if said := <-last; said != "\x03\xe8" {
		t.Errorf("%q", said)
	}
	_, _, err := socket.Receive(context.Background())
	is(t, err, creche.ErrEnded)
}

func TestWebSocketOfAGroup(t *testing.T) {
	last := make(chan string, 1)
	url := serving(t, "", func(p *peer, r *http.Request) {
		_, payload := p.take()
		last <- payload
	})
	web := session(t, nil)
	why := errors.New("enough")
	err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		must(web.WebSocket(ctx, &creche.Request{URL: url}, nil))
		return why
	})
	if said := <-last; !errors.Is(err, why) || said != "\x03\xe9" {
		t.Errorf("%v, %q", err, said)
	}
}

func TestWebSocketThatIsForgotten(t *testing.T) {
	gone := make(chan struct{})
	url := serving(t, "", func(p *peer, r *http.Request) {
		p.take()
		close(gone)
	})
	web := session(t, nil)
	must(web.WebSocket(context.Background(), &creche.Request{URL: url}, nil))
	eventually(t, func() bool {
		runtime.GC()
		select {
		case <-gone:
			return true
		case <-time.After(time.Millisecond):
			return false
		}
	})
}

func TestWhatIsNoWebSocket(t *testing.T) {
	ctx := context.Background()
	web := session(t, nil)
	nowhere := "ws://127.0.0.1:1/"
	for _, c := range []struct {
		request creche.Request
		options creche.WebSocketOptions
		want    creche.Status
	}{
		{creche.Request{Method: "PUT"}, creche.WebSocketOptions{}, creche.ErrInvalid},
		{creche.Request{Body: []byte("x")}, creche.WebSocketOptions{}, creche.ErrInvalid},
		{creche.Request{BodyReader: strings.NewReader("x")}, creche.WebSocketOptions{}, creche.ErrInvalid},
		{creche.Request{}, creche.WebSocketOptions{Protocols: []string{"a", "a"}}, creche.ErrInvalid},
		{creche.Request{}, creche.WebSocketOptions{Protocols: []string{"a\x00b"}}, creche.ErrInvalid},
		{creche.Request{}, creche.WebSocketOptions{Protocols: strings.Split(strings.Repeat("a ", 40), " ")}, creche.ErrInvalid},
		{creche.Request{}, creche.WebSocketOptions{Heartbeat: -1}, creche.ErrInvalid},
		{creche.Request{Header: http.Header{"a\x00b": {""}}}, creche.WebSocketOptions{}, creche.ErrInvalid},
		{creche.Request{}, creche.WebSocketOptions{}, creche.ErrConnect},
	} {
		c.request.URL = nowhere
		_, err := web.WebSocket(ctx, &c.request, &c.options)
		is(t, err, c.want)
	}
	socket := connected(t, serving(t, "", func(p *peer, r *http.Request) { p.echo() }), nil)
	is(t, socket.Send(ctx, 3, nil), creche.ErrInvalid)
	is(t, socket.Send(ctx, creche.TextMessage, []byte{0xff}), creche.ErrInvalid)
	for code, reason := range map[int]string{1006: "", 0: "why", 1000: strings.Repeat("x", 124), 3000: "a\x00b"} {
		_, err := socket.Close(ctx, code, reason)
		is(t, err, creche.ErrInvalid)
	}
}
