package cx

/*
#include "shim.h"
*/
import "C"

import (
	"sync"
	"sync/atomic"
)

var (
	sources  sync.Map // of functions that give tokens, by their numbers
	sourcing atomic.Uint64
)

// TokenSource gives a function its number, for Auth.Source.
func TokenSource(get func(refused bool) (string, error)) uint64 {
	number := sourcing.Add(1)
	sources.Store(number, get)
	return number
}

//export cxTokenAsked
func cxTokenAsked(number, session, ask C.uint64_t, refused C.int32_t) {
	get, found := sources.Load(uint64(number))
	if !found {
		return
	}
	go func() {
		token, err := get.(func(bool) (string, error))(refused != 0)
		if err != nil || whole("the token", token) != nil {
			C.cx_give_token(session, ask, C.CRECHE_E_USER, nil)
			return
		}
		if answered := answer(C.cx_give_token(session, ask, C.CRECHE_OK, maybe(token))); answered.Failure != nil {
			C.cx_give_token(session, ask, C.CRECHE_E_USER, nil) // it is no token
		}
	}()
}
