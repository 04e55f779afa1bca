package creche_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"libcreche/creche"
)

func pool(t testing.TB, o *creche.PoolOptions) *creche.Pool {
	t.Helper()
	p, err := creche.OpenPool(server(t, "DATABASE_URL"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// table is a new table with the columns.
func table(t testing.TB, p *creche.Pool, columns string) string {
	t.Helper()
	name := fmt.Sprintf("t%d", time.Now().UnixNano())
	if _, err := p.Exec(context.Background(), "create table "+name+" ("+columns+")"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Exec(context.Background(), "drop table "+name) })
	return name
}

// nothingLeased: all connections come back. (They are reset on their way.)
func nothingLeased(t *testing.T, p *creche.Pool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if c := p.Counters(); c.Leased == 0 && c.Waiting == 0 {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("%+v", c)
		}
	}
}

func TestExecAndQuery(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	name := table(t, db, "id int, name text")
	result, err := db.Exec(ctx, "insert into "+name+" values ($1, $2), ($3, $4)", 1, "one", int64(2), nil)
	if err != nil || result.Affected != 2 || result.Tag != "INSERT 0 2" {
		t.Fatalf("%v, %+v", err, result)
	}
	rows, err := db.Query(ctx, "select id, name from "+name+" order by id")
	if err != nil || rows.Len() != 2 || !reflect.DeepEqual(rows.Columns(), []string{"id", "name"}) {
		t.Fatalf("%v, %+v", err, rows)
	}
	var ids []int
	var names []*string
	for rows.Next() {
		var id int
		var name *string
		if err := rows.Scan(&id, &name); err != nil {
			t.Fatal(err)
		}
		ids, names = append(ids, id), append(names, name)
	}
	if rows.Err() != nil || !reflect.DeepEqual(ids, []int{1, 2}) || *names[0] != "one" || names[1] != nil {
		t.Fatalf("%v %v %v", rows.Err(), ids, names)
	}
	var n int
	if err := db.QueryRow(ctx, "select id from "+name+" where id = $1", 7).Scan(&n); err != sql.ErrNoRows {
		t.Error(err)
	}
	var s string
	if err := db.QueryRow(ctx, "select name from "+name+" where id = 2").Scan(&s); !errors.Is(err, creche.ErrNull) {
		t.Error(err)
	}
}

func TestRowsAsText(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	rows, err := db.Query(ctx, "select 1 as a, 'x,y' as b, null as c, 1.50 as d")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	text, err := rows.JSON(creche.JSONForm{Lines: true, Exact: true})
	if want := `{"a":1,"b":"x,y","c":null,"d":"1.50"}` + "\n"; err != nil || string(text) != want {
		t.Error(string(text), err)
	}
	text, err = rows.CSV(creche.CSVForm{Header: true, Delimiter: ';'})
	if want := "a;b;c;d\n1;x,y;;1.50\n"; err != nil || string(text) != want {
		t.Error(string(text), err)
	}
	if _, err = rows.CSV(creche.CSVForm{Delimiter: '"'}); err == nil {
		t.Error("a quote cannot be the delimiter")
	}
}

func TestTypeNames(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	rows, err := db.Query(ctx, "select 1, 'pg_class'::regclass, money '1.50'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !reflect.DeepEqual(rows.TypeNames(), []string{"int4", "regclass", "money"}) {
		t.Error(rows.TypeNames())
	}
	var one, class, price string
	if !rows.Next() || rows.Scan(&one, &class, &price) != nil || class != "pg_class" || price != "$1.50" {
		t.Error(one, class, price)
	}
}

func TestTypes(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	moment := time.Date(2026, 1, 31, 12, 30, 15, 123456000, time.UTC)
	long := strings.Repeat("é", 100000)
	for _, c := range []struct {
		sql  string
		arg  any
		want any
	}{
		{"select $1::int2", int16(-5), int64(-5)},
		{"select $1::int4", math.MinInt32, int64(math.MinInt32)},
		{"select $1::int8", int64(math.MaxInt64), int64(math.MaxInt64)},
		{"select $1::bool", true, true},
		{"select $1::float8", 1.5, 1.5},
		{"select $1::float8", math.Inf(-1), math.Inf(-1)},
		{"select $1::float4", float32(0.25), 0.25},
		{"select $1::text", "a'b\\c\"", "a'b\\c\""},
		{"select $1::text", long, long},
		{"select $1::varchar", "", ""},
		{"select $1::bytea", []byte{0, 1, 255}, []byte{0, 1, 255}},
		{"select $1::timestamptz", moment, moment},
		{"select $1::timestamp", moment, moment},
		{"select $1::date", "2026-01-31", time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)},
		{"select $1::date", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"select $1::numeric", "12345678901234567890.5", "12345678901234567890.5"},
		{"select $1::uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"select $1::json", json.RawMessage(`{"a": 1}`), []byte(`{"a": 1}`)},
		{"select $1::jsonb", json.RawMessage(`{"a": 1}`), []byte(`{"a": 1}`)},
		{"select $1::interval", "1 day 02:00:00", "1 day 02:00:00"},
		{"select $1::int4[]", []int{1, -2}, "{1,-2}"},
		{"select $1::text[]", []string{"a b", "", `q"\`, "null"}, `{"a b","","q\"\\","null"}`},
		{"select $1::text[]", []*string{nil}, "{NULL}"},
		{"select $1::int4[]", [][]int{{1, 2}, {3, 4}}, "{{1,2},{3,4}}"},
		{"select $1::text", nil, nil},
		{"select $1::text", (*string)(nil), nil},
		{"select $1::text", sql.NullString{String: "x", Valid: true}, "x"},
		{"select $1::text", sql.NullString{}, nil},
	} {
		var got any
		if err := db.QueryRow(ctx, c.sql, c.arg).Scan(&got); err != nil {
			t.Errorf("%s with %v: %v", c.sql, c.arg, err)
			continue
		}
		if a, ok := got.(time.Time); ok && a.Equal(c.want.(time.Time)) {
			continue
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s with %v: %#v", c.sql, c.arg, got)
		}
	}
	var numbers []int64
	var words []*string
	var uuid [16]byte
	var small uint8
	var when sql.NullTime
	var raw json.RawMessage
	type kind string
	var k kind
	err := db.QueryRow(ctx, `select array[1,2]::int4[], array['a',null], 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 7,
		now(), '[1]'::jsonb, 'k'`).Scan(&numbers, &words, &uuid, &small, &when, &raw, &k)
	if err != nil || !reflect.DeepEqual(numbers, []int64{1, 2}) || *words[0] != "a" || words[1] != nil ||
		uuid[0] != 0xa0 || small != 7 || !when.Valid || string(raw) != "[1]" || k != "k" {
		t.Errorf("%v %v %v %v %v %v %s %v", err, numbers, words, uuid, small, when, raw, k)
	}
	var n, wide, narrow, real, single, text = int32(0), int64(0), uint16(0), 0.0, float32(0), ""
	var most uint64
	if err := db.QueryRow(ctx, "select count(*), sum(i::int8), 7.00, avg(i), 2::int8, sum(i), 18446744073709551615.0 from generate_series(1, 3) i").
		Scan(&n, &wide, &narrow, &real, &single, &text, &most); err != nil || n != 3 || wide != 6 || narrow != 7 || real != 2 ||
		single != 2 || text != "6" || most != math.MaxUint64 {
		t.Error(err, n, wide, narrow, real, single, text, most)
	}
	for _, c := range []struct {
		sql  string
		dest any
		want creche.Status
	}{
		{"select 300", &small, creche.ErrLimit},
		{"select -1", &small, creche.ErrLimit},
		{"select 2147483648", &n, creche.ErrLimit},
		{"select 1.5", &wide, creche.ErrLimit},
		{"select 1.5", &most, creche.ErrLimit},
		{"select 'NaN'::numeric", &wide, creche.ErrLimit},
		{"select 9223372036854775808", &wide, creche.ErrLimit},
		{"select 1e300::float8", &single, creche.ErrLimit},
		{"select 1e400::numeric", &real, creche.ErrLimit},
		{"select 'infinity'::timestamptz", new(time.Time), creche.ErrLimit},
		{"select 1::float8", &wide, creche.ErrType},
		{"select '12'", &wide, creche.ErrType},
		{"select '12'", &most, creche.ErrType},
		{"select '1.5'", &real, creche.ErrType},
		{"select true", &wide, creche.ErrType},
		{"select 1", new(bool), creche.ErrType},
		{"select 1", new(time.Time), creche.ErrType},
		{"select null::int8", &wide, creche.ErrNull},
	} {
		if err := db.QueryRow(ctx, c.sql).Scan(c.dest); !errors.Is(err, c.want) {
			t.Error(c.sql, err)
		}
	}
	if _, err := db.Exec(ctx, "select $1", struct{}{}); !errors.Is(err, creche.ErrInvalid) {
		t.Error(err)
	}
}

// TestTextOfAnyType: what Go has no type for comes as PostgreSQL prints it.
func TestTextOfAnyType(t *testing.T) {
	db := pool(t, nil)
	var address, bits, span, pairs, row string
	err := db.QueryRow(context.Background(), `select inet '10.0.0.1/8', varbit '0110', int4range '[1,5)',
		array[point '(1,2)', null], row(1, macaddr '08:00:2b:01:02:ff', 'a b'::text)`).Scan(&address, &bits, &span, &pairs, &row)
	if err != nil || address != "10.0.0.1/8" || bits != "0110" || span != "[1,5)" ||
		pairs != `{"(1,2)",NULL}` || row != `(1,08:00:2b:01:02:ff,"a b")` {
		t.Fatal(err, address, bits, span, pairs, row)
	}
}

func TestServerErrors(t *testing.T) {
	db := pool(t, nil)
	var e *creche.Error
	if _, err := db.Query(context.Background(), "selekt 1"); !errors.As(err, &e) || e.Status != creche.ErrPG ||
		e.SQLState != "42601" || e.Server == nil || e.Server.Severity != "ERROR" || e.Server.Position != 1 {
		t.Fatalf("%+v", e)
	}
	name := table(t, db, "id int primary key")
	for range [2]int{} {
		_, err := db.Exec(context.Background(), "insert into "+name+" values (1)")
		errors.As(err, &e)
	}
	if e.SQLState != "23505" || e.Server.Table != name || e.Server.Constraint == "" || e.Retryable() {
		t.Fatalf("%+v", e)
	}
	unreachable, err := creche.OpenPool("postgres://127.0.0.1:1/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unreachable.Close()
	if _, err := unreachable.Exec(context.Background(), "select 1"); !errors.As(err, &e) || e.Status != creche.ErrConnect || !e.Unsent() {
		t.Errorf("%v", err)
	}
}

func TestStream(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	rows, err := db.Stream(ctx, "select i, repeat('x', 100) from generate_series(1, 100000) i")
	if err != nil {
		t.Fatal(err)
	}
	var sum, n int64
	var text string
	for rows.Next() {
		if err := rows.Scan(&n, &text); err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if rows.Err() != nil || sum != 100000*100001/2 || rows.Result().Affected != 100000 {
		t.Fatalf("%v, %d, %+v", rows.Err(), sum, rows.Result())
	}
	// Closed early, the server stops.
	rows, err = db.Stream(ctx, "select generate_series(1, 1000000000)")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	rows.Close()
	if rows.Next() || rows.Err() != nil {
		t.Error("rows after the end")
	}
	if _, err := db.Stream(ctx, "select 1/0"); err == nil {
		t.Error("no error")
	}
	rows, err = db.Stream(ctx, "select 1/(50000-i) from generate_series(1, 60000) i")
	if err == nil {
		for rows.Next() {
		}
		err = rows.Err()
	}
	var e *creche.Error
	if !errors.As(err, &e) || e.SQLState != "22012" {
		t.Error(err)
	}
	empty, err := db.Stream(ctx, "select 1 where false")
	if err != nil || empty.Next() || empty.Err() != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	rows, err = db.Stream(ctx, "select generate_series(1, 1000000000)")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for rows.Next() {
	}
	if !errors.Is(rows.Err(), context.Canceled) {
		t.Error(rows.Err())
	}
	nothingLeased(t, db)
}

func TestManyQueries(t *testing.T) {
	db := pool(t, &creche.PoolOptions{MaxSize: 5})
	inputs := make([]int, 2000)
	for i := range inputs {
		inputs[i] = i
	}
	squares, err := creche.Map(context.Background(), inputs, func(ctx context.Context, i int) (n int, err error) {
		err = db.QueryRow(ctx, "select $1::int * $1::int", i).Scan(&n)
		return n, err
	}, creche.Limit(100))
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range squares {
		if n != i*i {
			t.Fatalf("%d: %d", i, n)
		}
	}
}

// Statements and connections that are too old are replaced; by default neither is within a test.
func TestLifetimes(t *testing.T) {
	ctx := context.Background()
	counters := func(o *creche.PoolOptions, enough func(creche.PoolCounters) bool) creche.PoolCounters {
		db := pool(t, o)
		for deadline := time.Now().Add(20 * time.Second); ; {
			if _, err := db.Exec(ctx, "select $1::int", 1); err != nil {
				t.Fatal(err)
			}
			if c := db.Counters(); enough(c) || time.Now().After(deadline) {
				return c
			}
		}
	}
	four := func(c creche.PoolCounters) bool { return c.Statements >= 4 }
	for _, never := range []time.Duration{0, creche.NoTimeout} {
		o := &creche.PoolOptions{MaxSize: 1, MaxLifetime: never, StatementLifetime: never}
		if c := counters(o, four); c.Connects != 1 || c.Prepares != 1 {
			t.Errorf("%v: %+v", never, c)
		}
	}
	anew := func(c creche.PoolCounters) bool { return c.Prepares >= 3 }
	if c := counters(&creche.PoolOptions{MaxSize: 1, StatementLifetime: 1}, anew); c.Connects != 1 || !anew(c) {
		t.Errorf("statements: %+v", c)
	}
	again := func(c creche.PoolCounters) bool { return c.Connects >= 3 }
	if c := counters(&creche.PoolOptions{MaxSize: 1, MaxLifetime: time.Millisecond}, again); !again(c) {
		t.Errorf("connections: %+v", c)
	}
}
