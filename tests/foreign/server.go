// Go's net/http: files below a folder, and /echo. server.go PLAIN_PORT TLS_PORT FILES CERTIFICATE KEY
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	http.Handle("/", http.FileServer(http.Dir(os.Args[3])))
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex() // else HTTP/1.1 reads no more once it has answered
		if _, err := io.Copy(w, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
	go func() { log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil)) }()
	log.Fatal(http.ListenAndServeTLS("127.0.0.1:"+os.Args[2], os.Args[4], os.Args[5], nil))
}
