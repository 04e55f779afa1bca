package cx

/*
#include "shim.h"
*/
import "C"

import (
	"math"
	"unsafe"
)

// File is a part of a file; a negative size is all of it.
type File struct {
	FD     uintptr
	Offset int64
	Size   int64
}

// c is the file as the shim wants it: none if its descriptor is negative.
func (f *File) c() C.creche_file {
	if f == nil {
		return C.creche_file{fd: -1}
	}
	c := C.creche_file{fd: C.int32_t(f.FD), offset: C.uint64_t(f.Offset), size: C.uint64_t(f.Size)}
	if f.Size < 0 {
		c.size = math.MaxUint64
	}
	return c
}

// Form says that the body is a form, of what Part adds.
func (r *Request) Form() { r.form = true }

// Part adds a field to the form. It comes after the parameters.
func (r *Request) Part(name, value string, file *File, filename, kind string) {
	r.parts = append(r.parts, C.cx_part{file: file.c()})
	for _, text := range [...]string{filename, kind} {
		r.text = packHeader(r.text, text, "")
	}
	r.text = packHeader(r.text, name, value)
	if r.refused == nil {
		r.refused = whole("the name, filename or type of a field", name, filename, kind)
	}
}

// body is what goes beside the options, without pointers, and the statuses of the policy in it.
func (r *Request) body() (C.cx_body, *C.uint16_t) {
	retry, statuses := r.Retry.c()
	return C.cx_body{retry: retry, file: r.File.c(), to_file: r.ToFile.c(), watch: C.uint64_t(r.Watch)}, statuses
}

// where is where the files of the fields are; nil if there is no form.
func (r *Request) where() *C.cx_part {
	if !r.form {
		return nil
	}
	if len(r.parts) == 0 {
		return (*C.cx_part)(unsafe.Pointer(&make([]C.cx_part, 1)[0]))
	}
	return &r.parts[0]
}
