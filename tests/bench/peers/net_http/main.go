// Go's own HTTP client. usage: net_http URL CONNECTIONS SECONDS [CA_FILE]
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	url := os.Args[1]
	connections, err := strconv.Atoi(os.Args[2])
	must(err)
	seconds, err := strconv.ParseFloat(os.Args[3], 64)
	must(err)
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}
	if len(os.Args) > 4 {
		pem, err := os.ReadFile(os.Args[4])
		must(err)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	client := &http.Client{Transport: transport}
	start := time.Now()
	until := start.Add(time.Duration(seconds * float64(time.Second)))
	counts := make([]uint64, connections)
	var workers sync.WaitGroup
	for i := range counts {
		workers.Add(1)
		go func() {
			defer workers.Done()
			n := uint64(0)
			for time.Now().Before(until) {
				response, err := client.Get(url)
				must(err)
				_, err = io.ReadAll(response.Body)
				must(err)
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					must(fmt.Errorf("%s: %s", url, response.Status))
				}
				n++
			}
			counts[i] = n
		}()
	}
	workers.Wait()
	done := uint64(0)
	for _, n := range counts {
		done += n
	}
	fmt.Printf("done %d seconds %.6f\n", done, time.Since(start).Seconds())
}
