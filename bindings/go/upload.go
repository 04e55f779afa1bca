package creche

import (
	"io"
	"sync"
	"sync/atomic"

	"libcreche/creche/internal/cx"
)

// upload feeds a request its body, from a goroutine that may block in the body's Read.
type upload struct {
	loop  *Loop
	body  io.Reader
	pulls chan pull
	ended chan struct{}
	begin int64     // of a body that can be read again
	once  sync.Once // of end
	shut  sync.Once // of close
	err   atomic.Pointer[error]
	waits *waiter // for the answer; on the goroutine that drains the queue, nil once it has come
}

// deliver gets the pulls, and the answer before or behind the last of them.
func (u *upload) deliver(ev *cx.Event) {
	last := ev.Flags&cx.More == 0
	w := u.waits
	switch {
	case !last && ev.Kind == cx.Pull:
		u.loop.hold()
		u.pulls <- pull{ev.Task, int(ev.Value), ev.Code == 1}
	case w != nil:
		u.waits = nil
		w.deliver(ev) // who waits ends the feeding
	case last:
		go u.end() // calls the user's Close
	}
}

// end says that nothing is pulled any more.
func (u *upload) end() {
	u.once.Do(func() {
		close(u.pulls)
		u.close()
	})
}

type pull struct {
	task uint64
	room int
	anew bool // from the begin again
}

func (u *upload) run() {
	defer close(u.ended)
	defer u.close()
	var buffer []byte
	for p := range u.pulls {
		if room := min(max(p.room, 4096), 256<<10); len(buffer) < room {
			buffer = make([]byte, room)
		}
		n, err := 0, error(nil)
		if p.anew {
			_, err = u.body.(io.Seeker).Seek(u.begin, io.SeekStart)
		}
		for tries := 0; n == 0 && err == nil; tries++ {
			if tries == 100 {
				err = io.ErrNoProgress
				break
			}
			n, err = u.body.Read(buffer)
		}
		switch {
		case err == nil:
			cx.TaskAnswer(p.task, 0, buffer[:n], true, "")
		case err == io.EOF:
			cx.TaskAnswer(p.task, 0, buffer[:n], false, "")
		default:
			u.err.Store(&err)
			cx.TaskAnswer(p.task, int32(ErrUser), nil, false, "reading the body: "+err.Error())
		}
		u.loop.letGo()
	}
}

// close closes the body, which ends a Read that waits.
func (u *upload) close() {
	u.shut.Do(func() {
		if closer, ok := u.body.(io.Closer); ok {
			closer.Close()
		}
	})
}
