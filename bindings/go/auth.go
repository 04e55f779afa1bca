package creche

import "libcreche/creche/internal/cx"

// Auth is what servers are shown, at the origin of a request and nowhere else. The zero value is nothing.
type Auth struct{ c cx.Auth }

// BasicAuth is shown at once.
func BasicAuth(user, password string) Auth {
	return Auth{cx.Auth{Schemes: cx.AuthBasic, User: user, Secret: password}}
}

// DigestAuth is shown when it is asked for.
func DigestAuth(user, password string) Auth {
	return Auth{cx.Auth{Schemes: cx.AuthDigest, User: user, Secret: password}}
}

// AnyAuth is digest or, where only that is asked for, Basic.
func AnyAuth(user, password string) Auth {
	return Auth{cx.Auth{Schemes: cx.AuthDigest | cx.AuthBasic, User: user, Secret: password}}
}

// BearerAuth is a token, shown at once.
func BearerAuth(token string) Auth { return Auth{cx.Auth{Schemes: cx.AuthBearer, Secret: token}} }

// BearerFrom is a token that get gives: it is asked, in a goroutine of its own, before the first request and
// where a 401 has answered the last token (refused); requests that would show it wait for it together, and
// fail with ErrUser if it fails. Make it once for a session: it is kept as long as the process is there.
func BearerFrom(get func(refused bool) (string, error)) Auth {
	return Auth{cx.Auth{Schemes: cx.AuthBearer, Source: cx.TokenSource(get)}}
}

// String shows no secret.
func (a Auth) String() string { return "creche.Auth" }

// GoString neither.
func (a Auth) GoString() string { return "creche.Auth" }
