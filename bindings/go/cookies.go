package creche

import (
	"runtime"

	"libcreche/creche/internal/cx"
)

// CookieForm is a form of text that cookies are kept in.
type CookieForm uint32

const (
	// CookiesNetscape has seven fields a line: what curl and wget have.
	CookiesNetscape CookieForm = cx.CookiesNetscape
	// CookiesJSON is an array of objects.
	CookiesJSON CookieForm = cx.CookiesJSON
)

// CookieJar keeps cookies; sessions share it. It is safe for concurrent use.
type CookieJar struct{ id uint64 }

// NewCookieJar makes an empty jar. It goes when it is closed, or nobody has it any more; sessions keep it.
func NewCookieJar() (*CookieJar, error) {
	opened := cx.JarOpen()
	if opened.Failure != nil {
		return nil, newError(opened.Failure, nil)
	}
	jar := &CookieJar{id: opened.ID}
	runtime.SetFinalizer(jar, func(j *CookieJar) { cx.JarRelease(j.id) })
	return jar, nil
}

func orNil(failed *cx.Failure) error {
	if failed == nil {
		return nil
	}
	return newError(failed, nil)
}

// Close gives the jar up.
func (j *CookieJar) Close() error {
	runtime.SetFinalizer(j, nil)
	cx.JarRelease(j.id)
	return nil
}

// Receive takes what an answer from url says in Set-Cookie.
func (j *CookieJar) Receive(url, setCookie string) error {
	defer runtime.KeepAlive(j)
	return orNil(cx.JarReceive(j.id, url, setCookie))
}

// Get is what would be sent to url as Cookie now.
func (j *CookieJar) Get(url string) (string, error) {
	defer runtime.KeepAlive(j)
	text, failed := cx.JarText(j.id, 0, url)
	return string(text), orNil(failed)
}

// Clear takes out the cookies of a domain and all below it; "": all.
func (j *CookieJar) Clear(domain string) error {
	defer runtime.KeepAlive(j)
	return orNil(cx.JarClear(j.id, domain))
}

// Export is all cookies as text.
func (j *CookieJar) Export(form CookieForm) ([]byte, error) {
	defer runtime.KeepAlive(j)
	text, failed := cx.JarText(j.id, uint32(form), "")
	return text, orNil(failed)
}

// Import puts in what is in a text.
func (j *CookieJar) Import(form CookieForm, text []byte) error {
	defer runtime.KeepAlive(j)
	return orNil(cx.JarImport(j.id, uint32(form), text))
}

// Save writes all cookies to a file that only its owner can read.
func (j *CookieJar) Save(form CookieForm, path string) error {
	defer runtime.KeepAlive(j)
	return orNil(cx.JarFile(j.id, uint32(form), path, true))
}

// Load puts in what is in a file.
func (j *CookieJar) Load(form CookieForm, path string) error {
	defer runtime.KeepAlive(j)
	return orNil(cx.JarFile(j.id, uint32(form), path, false))
}
