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

// String shows no secret.
func (a Auth) String() string { return "creche.Auth" }

// GoString neither.
func (a Auth) GoString() string { return "creche.Auth" }
