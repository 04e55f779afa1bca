package creche

import (
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"libcreche/creche/internal/cx"
)

// Parameters of statements travel in PostgreSQL's text form, and the server infers their types from
// where they stand, as psql's would; write $1::int8 where it cannot. []byte is bytea; JSON is a string or
// json.RawMessage.
//
// nil (and nil pointers), bools, numbers, strings, []byte, time.Time, json.RawMessage, slices (arrays of
// SQL), driver.Valuer, encoding.TextMarshaler, and what is of such a kind.

const timeLayout = "2006-01-02 15:04:05.999999Z07:00:00"

// fill makes C's parameters of ours.
// Named is the only argument of a statement that has :name in place of $1.
type Named map[string]any

func fill(q *cx.Query, sql string, args []any) *Error {
	q.SQL(sql)
	if len(args) == 1 {
		if named, ok := args[0].(Named); ok {
			args = args[:0:0]
			names := make([]string, 0, len(named))
			for name := range named {
				names = append(names, name)
			}
			slices.Sort(names) // so that it is one text to the server
			for _, name := range names {
				q.Name(name)
				args = append(args, named[name])
			}
		}
	}
	for i, arg := range args {
		if err := addArg(q, arg); err != nil {
			return &Error{Status: ErrInvalid, Phase: PhaseQuery, Cause: err,
				Message: fmt.Sprintf("the parameter $%d: %v", i+1, err)}
		}
	}
	return nil
}

func addArg(q *cx.Query, arg any) error {
	switch v := arg.(type) {
	case nil:
		q.Null()
	case string:
		q.Text(cx.OIDUnknown, v)
	case int:
		addInt(q, int64(v))
	case int64:
		addInt(q, v)
	case int32:
		addInt(q, int64(v))
	case bool:
		q.Text(cx.OIDUnknown, strconv.FormatBool(v))
	case float64:
		q.Text(cx.OIDUnknown, strconv.FormatFloat(v, 'g', -1, 64))
	case []byte:
		if v == nil {
			q.Null()
		} else {
			q.Bytes(cx.OIDBytea, cx.FormBinary, v)
		}
	case json.RawMessage:
		if v == nil {
			q.Null()
		} else {
			q.Bytes(cx.OIDUnknown, cx.FormText, v)
		}
	case time.Time:
		q.Text(cx.OIDUnknown, timeText(v))
	case driver.Valuer:
		if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
			q.Null()
			return nil
		}
		value, err := v.Value()
		if err != nil {
			return err
		}
		if _, again := value.(driver.Valuer); again {
			return fmt.Errorf("%T gives another Valuer", arg)
		}
		return addArg(q, value)
	default:
		return addReflected(q, arg)
	}
	return nil
}

func addInt(q *cx.Query, i int64) {
	var digits [20]byte
	q.Bytes(cx.OIDUnknown, cx.FormText, strconv.AppendInt(digits[:0], i, 10))
}

// timeText is a time as PostgreSQL reads it.
func timeText(t time.Time) string {
	if t.Year() > 0 {
		return t.Format(timeLayout)
	}
	return t.AddDate(2*(1-t.Year())-1, 0, 0).Format(timeLayout) + " BC"
}

func addReflected(q *cx.Query, arg any) error {
	r := reflect.ValueOf(arg)
	if r.Kind() == reflect.Pointer {
		if r.IsNil() {
			q.Null()
			return nil
		}
		if _, ok := arg.(encoding.TextMarshaler); !ok {
			return addArg(q, r.Elem().Interface())
		}
	}
	if r.Kind() == reflect.Slice && r.IsNil() {
		q.Null()
		return nil
	}
	if r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8 {
		q.Bytes(cx.OIDBytea, cx.FormBinary, r.Bytes())
		return nil
	}
	text, err := textOf(r)
	if err != nil {
		return err
	}
	q.Text(cx.OIDUnknown, text)
	return nil
}

// textOf is the text form of a value of any kind that has one.
func textOf(r reflect.Value) (string, error) {
	switch v := r.Interface().(type) {
	case time.Time:
		return timeText(v), nil
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		return string(text), err
	}
	switch r.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(r.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(r.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(r.Uint(), 10), nil
	case reflect.Float32:
		return strconv.FormatFloat(r.Float(), 'g', -1, 32), nil
	case reflect.Float64:
		return strconv.FormatFloat(r.Float(), 'g', -1, 64), nil
	case reflect.String:
		return r.String(), nil
	case reflect.Slice, reflect.Array:
		return arrayText(r)
	}
	return "", fmt.Errorf("%s has no form in SQL", r.Type())
}

// arrayText is a slice as an array literal.
func arrayText(r reflect.Value) (string, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i := 0; i < r.Len(); i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		element := r.Index(i)
		for (element.Kind() == reflect.Pointer || element.Kind() == reflect.Interface) && !element.IsNil() {
			element = element.Elem()
		}
		if element.Kind() == reflect.Pointer || element.Kind() == reflect.Interface {
			b.WriteString("NULL")
			continue
		}
		if element.Kind() == reflect.Slice && element.Type().Elem().Kind() == reflect.Uint8 {
			fmt.Fprintf(&b, `"\\x%x"`, element.Bytes())
			continue
		}
		text, err := textOf(element)
		if err != nil {
			return "", err
		}
		if k := element.Kind(); k == reflect.Slice || k == reflect.Array && strings.HasPrefix(text, "{") {
			b.WriteString(text)
			continue
		}
		quote(&b, text)
	}
	b.WriteByte('}')
	return b.String(), nil
}
