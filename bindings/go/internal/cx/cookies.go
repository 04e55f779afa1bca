package cx

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// Forms of text that cookies are kept in.
const (
	CookiesNetscape = C.CRECHE_COOKIES_NETSCAPE
	CookiesJSON     = C.CRECHE_COOKIES_JSON
)

// JarOpen makes an empty jar.
func JarOpen() Started { return answer(C.cx_jar_open()) }

// JarRelease gives a jar up.
func JarRelease(jar uint64) { C.creche_cookie_jar_release(C.creche_cookie_jar{id: C.uint64_t(jar)}) }

// JarReceive takes what an answer from the URL says in Set-Cookie.
func JarReceive(jar uint64, url, setCookie string) *Failure {
	texts, refused := packTexts("the URL or the cookie", url, setCookie)
	if refused != nil {
		return refused
	}
	return answer(C.cx_jar_receive(C.uint64_t(jar), (*C.char)(unsafe.Pointer(&texts[0])))).Failure
}

// JarClear takes out the cookies of a domain and all below it; "": all.
func JarClear(jar uint64, domain string) *Failure {
	if refused := whole("the domain", domain); refused != nil {
		return refused
	}
	return answer(C.cx_jar_clear(C.uint64_t(jar), maybe(domain))).Failure
}

// JarText is all cookies in a form, or with form 0 what is sent to the URL.
func JarText(jar uint64, form uint32, url string) ([]byte, *Failure) {
	if refused := whole("the URL", url); refused != nil {
		return nil, refused
	}
	for buffer := make([]byte, 4096); ; {
		a := answer(C.cx_jar_text(C.uint64_t(jar), C.uint32_t(form), text(url),
			(*C.char)(unsafe.Pointer(&buffer[0])), C.size_t(len(buffer))))
		if a.Failure != nil {
			return nil, a.Failure
		}
		if a.ID < uint64(len(buffer)) {
			return buffer[:a.ID], nil
		}
		buffer = make([]byte, a.ID+1024)
	}
}

// JarImport puts in what is in a text.
func JarImport(jar uint64, form uint32, cookies []byte) *Failure {
	all := append(cookies[:len(cookies):len(cookies)], 0)
	return answer(C.cx_jar_import(C.uint64_t(jar), C.uint32_t(form), (*C.char)(unsafe.Pointer(&all[0])),
		C.size_t(len(cookies)))).Failure
}

// JarFile saves all cookies to a file, or loads those that are in it.
func JarFile(jar uint64, form uint32, path string, save bool) *Failure {
	if refused := whole("the path", path); refused != nil {
		return refused
	}
	return answer(C.cx_jar_file(C.uint64_t(jar), C.uint32_t(form), text(path), C.int32_t(flag(save)))).Failure
}
