package creche_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"libcreche/creche"
)

// All URLs, 50 at a time, ten seconds for all of them; a row for each.
func fetchAll(ctx context.Context, web *creche.Session, db *creche.Pool, table string, urls []string) error {
	return creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		for _, u := range urls {
			g.Go(func(ctx context.Context) error {
				r, err := web.Get(ctx, u)
				if err != nil {
					return err
				}
				defer r.Close()
				_, err = db.Exec(ctx, "insert into "+table+" values ($1, $2)", u, r.Status)
				return err
			})
		}
		return nil
	}, creche.Limit(50), creche.Timeout(10*time.Second))
}

func TestTheProgram(t *testing.T) {
	base := server(t, "HTTP_URL")
	web := session(t, nil)
	db := pool(t, nil)
	name := table(t, db, "url text, status int")
	var urls []string
	for i := 0; i < 200; i++ {
		urls = append(urls, fmt.Sprintf("%s/small?%d", base, i))
	}
	if err := fetchAll(context.Background(), web, db, name, urls); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRow(context.Background(), "select count(*) from "+name+" where status = 200").Scan(&n); err != nil || n != 200 {
		t.Fatal(n, err)
	}
	// One bad one stops the others.
	err := fetchAll(context.Background(), web, db, name, append(urls, "http://127.0.0.1:1/"))
	if !errors.Is(err, creche.ErrConnect) || !errors.Is(err, creche.ErrGroup) {
		t.Fatal(err)
	}
	nothingLeased(t, db)
}

func ExampleRun() {
	ctx := context.Background()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	web, err := creche.NewSession(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer web.Close()
	err = creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		for range 3 {
			g.Go(func(ctx context.Context) error {
				r, err := web.Get(ctx, s.URL)
				if err != nil {
					return err
				}
				fmt.Println(r.Status)
				return nil
			})
		}
		return nil
	}, creche.Limit(2), creche.Timeout(10*time.Second))
	fmt.Println(err)
	// Output:
	// 404
	// 404
	// 404
	// <nil>
}

func ExampleShield() {
	ctx, cancel := context.WithCancel(context.Background())
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		cancel()
		err := creche.Sleep(ctx, time.Hour)
		creche.Shield(ctx, time.Second, func(ctx context.Context) error {
			fmt.Println("cleaning up:", creche.Sleep(ctx, time.Millisecond))
			return nil
		})
		return err
	})
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// cleaning up: <nil>
	// true
}
