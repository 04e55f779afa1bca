package creche

import (
	"net/http"
	"time"

	"libcreche/creche/internal/cx"
)

// TurnKind says what a Turn is about.
type TurnKind uint32

// Kinds of turns.
const (
	TurnRequest  TurnKind = cx.TurnRequest  // before an attempt is sent
	TurnResponse TurnKind = cx.TurnResponse // the head of an answer has come; its body waits
	TurnFailure  TurnKind = cx.TurnFailure  // an attempt has failed
)

// Turn is what a middleware is asked.
type Turn struct {
	Kind       TurnKind
	Task       uint64 // that makes the request
	Attempt    int    // from 1 on
	HTTPStatus int    // of an answer
	Method     string
	URL        string      // with its query, without user info
	Header     http.Header // the request's own; of an answer its
	Message    string      // what went wrong
}

// Action is what a middleware decides.
type Action uint32

// Actions.
const (
	Go     Action = cx.TurnGo     // go on
	Again  Action = cx.TurnAgain  // make it again, after Delay
	Answer Action = cx.TurnAnswer // this is the answer: HTTPStatus, Header, Body
	Fail   Action = cx.TurnFail   // fail with Status
)

// Decision of a middleware.
type Decision struct {
	Action Action
	// Of Go before a request, and of Again: in place of the request's own fields of these names; a name
	// without values: it has none of its own. Of Answer: those of the answer.
	Header     http.Header
	Delay      time.Duration
	HTTPStatus int
	Body       []byte
	Status     Status
}

// middleware has C call the user's function.
func middleware(ask func(*Turn) Decision) uint64 {
	if ask == nil {
		return 0
	}
	return cx.Middleware(func(t *cx.Turn) {
		turn := &Turn{Kind: TurnKind(t.What), Task: t.Task, Attempt: int(t.Attempt), HTTPStatus: int(t.HTTPStatus),
			Method: t.Method, URL: t.URL, Message: t.Message}
		for _, h := range t.Headers {
			addField(&turn.Header, []byte(h[0]), []byte(h[1]))
		}
		d := ask(turn)
		made := cx.Decision{Action: uint32(d.Action), HTTPStatus: uint32(d.HTTPStatus), Headers: pairs(d.Header),
			Delay: d.Delay, Status: int32(d.Status), Body: d.Body}
		for name, values := range d.Header {
			if len(values) == 0 {
				made.Headers = append(made.Headers, [2]string{name, ""})
			}
		}
		// What cannot be decided so fails the request, rather than to let it wait for ever.
		if cx.Decide(t.Session, t.ID, made) != nil {
			cx.Decide(t.Session, t.ID, cx.Decision{Action: cx.TurnFail, Status: int32(ErrInvalid)})
		}
	})
}
