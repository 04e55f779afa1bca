package creche

import (
	"errors"

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
func (o *PoolOptions) calls() *cx.PoolCalls {
	c := &cx.PoolCalls{}
	if give := o.Password; give != nil {
		c.Password = func(refused bool, host, port, user, database string) (string, int32) {
			password, err := give(PasswordRequest{Refused: refused, Host: host, Port: port, User: user, Database: database})
			own, status := (*Error)(nil), ErrUser
			switch {
			case err == nil:
				return password, 0
			case errors.As(err, &own):
				status = own.Status
			default:
				errors.As(err, &status)
			}
			return "", int32(status)
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
