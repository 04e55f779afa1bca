package cx

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// Metrics is all counters and histograms of loops as text for Prometheus.
func Metrics(loops []uint64) (string, *Failure) {
	buffer := make([]byte, 16<<10)
	for {
		var size C.size_t
		// A loop's handle is its number.
		a := answer(C.cx_metrics((*C.creche_loop)(unsafe.Pointer(unsafe.SliceData(loops))), C.size_t(len(loops)),
			(*C.char)(unsafe.Pointer(&buffer[0])), C.size_t(len(buffer)), &size))
		if a.Failure != nil && a.Failure.Status == C.CRECHE_E_LIMIT {
			buffer = make([]byte, int(size)+4096) // numbers grow meanwhile
			continue
		}
		if a.Failure != nil {
			return "", a.Failure
		}
		return string(buffer[:size-1]), nil
	}
}

// SessionSetName names a session for Metrics.
func SessionSetName(session uint64, name string) *Failure {
	if f := whole("the name", name); f != nil {
		return f
	}
	return answer(C.cx_session_set_name(C.uint64_t(session), text(name))).Failure
}

// PoolSetName names a pool for Metrics.
func PoolSetName(pool uint64, name string) *Failure {
	if f := whole("the name", name); f != nil {
		return f
	}
	return answer(C.cx_pool_set_name(C.uint64_t(pool), text(name))).Failure
}

// SetThreads says how threads are made from now on.
func SetThreads(stackSize uint64, prefix string, workers uint32) *Failure {
	if f := whole("the prefix", prefix); f != nil {
		return f
	}
	return answer(C.cx_set_threads(C.uint64_t(stackSize), text(prefix), C.uint32_t(workers))).Failure
}
