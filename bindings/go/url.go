package creche

import "libcreche/creche/internal/cx"

// JoinURL is what reference means beside base (RFC 3986, 5.2, strictly), for URLs of all schemes.
// Nothing is encoded, decoded or put in another case.
func JoinURL(base, reference string) (string, error) {
	joined, failed := cx.JoinURL(base, reference)
	if failed != nil {
		return "", newError(failed, nil)
	}
	return joined, nil
}
