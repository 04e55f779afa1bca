package creche

import (
	"context"
	"runtime/debug"
	"sync"

	"libcreche/creche/internal/cx"
)

// PasswordRequest says whose password is asked for.
type PasswordRequest struct {
	Refused        bool // the server has just refused the last one: get a new one
	Host, Port     string
	User, Database string
}

// Notice is what a server says beside an answer.
type Notice struct {
	Severity, SQLState, Message string
	Detail, Hint, Context       string // or ""
}

// calls makes C's of the user's functions.
func (o *PoolOptions) calls(l *Loop) *cx.PoolCalls {
	c := &cx.PoolCalls{Bodies: [3]func(*cx.PoolBody){bodyOf(l, o.OnInit), bodyOf(l, o.OnSetup), bodyOf(l, o.OnReset)}}
	if give := o.Password; give != nil {
		c.Password = func(refused bool, host, port, user, database string) (string, int32) {
			password, err := give(PasswordRequest{Refused: refused, Host: host, Port: port, User: user, Database: database})
			return password, int32(statusOf(err))
		}
	}
	if tell := o.Notice; tell != nil {
		c.Notice = func(severity, sqlstate, message, detail, hint, context string) {
			tell(&Notice{severity, sqlstate, message, detail, hint, context})
		}
	}
	c.Register()
	return c
}

// bodies that run now, as *task, by their ids.
var bodies sync.Map

// bodyOf has f run in a goroutine of its own, in the scope of a task of the pool's.
func bodyOf(l *Loop, f func(context.Context, *Conn) error) func(*cx.PoolBody) {
	if f == nil {
		return nil
	}
	return func(b *cx.PoolBody) {
		if b.Kind == cx.Cancel {
			if t, running := bodies.Load(b.Task); running {
				t.(*task).scope.notice(b.Failure)
			}
			return
		}
		t := &task{}
		t.scope.init(l, context.Background(), nil, &bounds{})
		t.scope.id.Store(b.Task)
		t.scope.resume()
		bodies.Store(b.Task, t)
		go t.runOn(&Conn{querier{l, b.Connection, cx.ConnectionQuery, cx.ConnectionStream}}, f)
	}
}

// runOn is the goroutine of a body. A panic in it is a failure: nobody waits for it who could have it.
func (t *task) runOn(c *Conn, f func(context.Context, *Conn) error) {
	err := errGoexit
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
		bodies.Delete(t.scope.id.Load())
		t.finish(err)
		t.scope.end(context.Canceled, context.Canceled)
	}()
	err = f(&t.scope, c)
}
