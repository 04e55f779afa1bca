package creche

import (
	"database/sql"
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"libcreche/creche/internal/cx"
)

// Other types whose binary form is their text, or that are held in bits.
const (
	oidChar, oidName, oidXML, oidUnknownText, oidBpchar, oidVarchar = 18, 19, 142, 705, 1042, 1043
)

func isText(oid uint32) bool {
	switch oid {
	case cx.OIDText, oidVarchar, oidBpchar, oidName, oidChar, oidXML, oidUnknownText:
		return true
	}
	return false
}

// infinite: a date or timestamp that is infinity, which Go has no time for.
func infinite(bits uint64) bool { return int64(bits) == math.MinInt64 || int64(bits) == math.MaxInt64 }

// valueOf is a cell as database/sql knows values: nil, bool, int64, float64, string, []byte, time.Time.
// json and bytea are []byte; numeric, uuid, intervals, enums and arrays are text.
func valueOf(b *cx.Block, row, column int) any {
	if b.Null(row, column) {
		return nil
	}
	switch oid := b.Type(column); oid {
	case cx.OIDBool:
		return b.Bits(row, column) != 0
	case cx.OIDInt2, cx.OIDInt4, cx.OIDInt8, cx.OIDOid:
		return int64(b.Bits(row, column))
	case cx.OIDFloat4, cx.OIDFloat8:
		return math.Float64frombits(b.Bits(row, column))
	case cx.OIDTimestampTZ, cx.OIDTimestamp, cx.OIDDate:
		if infinite(b.Bits(row, column)) || b.Late(row, column) {
			return b.Format(row, column)
		}
		return timeOf(oid, b.Bits(row, column))
	case cx.OIDBytea, cx.OIDJSON:
		return append([]byte{}, b.Bytes(row, column)...)
	case cx.OIDJSONB:
		return append([]byte{}, jsonb(b.Bytes(row, column))...)
	default:
		return cellText(b, row, column, oid)
	}
}

func jsonb(bytes []byte) []byte {
	if len(bytes) > 0 && bytes[0] == 1 {
		return bytes[1:]
	}
	return bytes
}

func timeOf(oid uint32, bits uint64) time.Time {
	switch oid {
	case cx.OIDDate:
		return time.Unix(int64(bits)*86400, 0).UTC()
	case cx.OIDTimestamp:
		return time.UnixMicro(int64(bits)).UTC()
	}
	return time.UnixMicro(int64(bits))
}

// cellText is a cell as PostgreSQL prints it.
func cellText(b *cx.Block, row, column int, oid uint32) string {
	switch {
	case isText(oid), oid == cx.OIDJSON, b.IsText(column):
		return string(b.Bytes(row, column))
	case oid == cx.OIDJSONB:
		return string(jsonb(b.Bytes(row, column)))
	case oid == cx.OIDInt2, oid == cx.OIDInt4, oid == cx.OIDInt8, oid == cx.OIDOid:
		return strconv.FormatInt(int64(b.Bits(row, column)), 10)
	case elementOf(oid) != 0:
		if text, ok := arrayLiteral(b.Bytes(row, column)); ok {
			return text
		}
	}
	return b.Format(row, column)
}

// scanCell stores a cell in *dest.
func scanCell(b *cx.Block, row, column int, dest any) error {
	oid := b.Type(column)
	if b.Null(row, column) {
		return scanNull(dest)
	}
	switch d := dest.(type) {
	case *string:
		*d = cellText(b, row, column, oid)
		return nil
	case *int:
		i, err := cellInt(b, row, column, oid, strconv.IntSize)
		*d = int(i)
		return err
	case *int64:
		i, err := cellInt(b, row, column, oid, 64)
		*d = i
		return err
	case *int32:
		i, err := cellInt(b, row, column, oid, 32)
		*d = int32(i)
		return err
	case *bool:
		if oid == cx.OIDBool {
			*d = b.Bits(row, column) != 0
			return nil
		}
	case *float64:
		f, err := cellFloat(b, row, column, oid)
		*d = f
		return err
	case *[]byte:
		switch {
		case oid == cx.OIDBytea:
			*d = append([]byte{}, b.Bytes(row, column)...)
		default:
			*d = []byte(cellText(b, row, column, oid))
		}
		return nil
	case *time.Time:
		if oid == cx.OIDTimestampTZ || oid == cx.OIDTimestamp || oid == cx.OIDDate {
			if infinite(b.Bits(row, column)) || b.Late(row, column) {
				return &cellError{ErrLimit, b.Format(row, column) + " is no time of Go's: scan it into a string"}
			}
			*d = timeOf(oid, b.Bits(row, column))
			return nil
		}
		return mismatch(oid, dest)
	case *any:
		*d = valueOf(b, row, column)
		return nil
	case sql.Scanner:
		return d.Scan(valueOf(b, row, column))
	}
	return scanReflected(b, row, column, oid, dest)
}

// cellError says why a value cannot be had as what was asked for: ErrType, ErrNull or ErrLimit.
type cellError struct {
	status Status
	text   string
}

func (e *cellError) Error() string { return e.text }

func mismatch(oid uint32, dest any) error {
	return &cellError{ErrType, fmt.Sprintf("a value of type %s does not fit into %T", typeName(oid), dest)}
}

func tooBig(b *cx.Block, row, column int, into string) error {
	return &cellError{ErrLimit, fmt.Sprintf("%s does not fit into %s", b.Format(row, column), into)}
}

func scanNull(dest any) error {
	switch d := dest.(type) {
	case *any:
		*d = nil
		return nil
	case *[]byte:
		*d = nil
		return nil
	case sql.Scanner:
		return d.Scan(nil)
	}
	r := reflect.ValueOf(dest)
	if r.Kind() == reflect.Pointer && !r.IsNil() {
		switch r.Elem().Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
			r.Elem().SetZero()
			return nil
		}
	}
	return &cellError{ErrNull, fmt.Sprintf("NULL does not fit into %T: scan it into a pointer to one", dest)}
}

// wholeNumber is the text of a numeric without a fraction of zeros; false if there is another one.
func wholeNumber(b *cx.Block, row, column int) (string, bool) {
	whole, fraction, _ := strings.Cut(b.Format(row, column), ".")
	return whole, strings.Trim(fraction, "0") == ""
}

// cellInt is an integer of any type, or a numeric that is a whole number, if it fits.
func cellInt(b *cx.Block, row, column int, oid uint32, size int) (int64, error) {
	switch oid {
	case cx.OIDInt2, cx.OIDInt4, cx.OIDInt8, cx.OIDOid:
		i := int64(b.Bits(row, column))
		if shift := 64 - size; i<<shift>>shift == i {
			return i, nil
		}
	case cx.OIDNumeric:
		if text, whole := wholeNumber(b, row, column); whole {
			if i, err := strconv.ParseInt(text, 10, size); err == nil {
				return i, nil
			}
		}
	default:
		return 0, &cellError{ErrType, fmt.Sprintf("a value of type %s is not an integer", typeName(oid))}
	}
	return 0, tooBig(b, row, column, fmt.Sprintf("an integer of %d bits", size))
}

// cellUint is the same without a sign.
func cellUint(b *cx.Block, row, column int, oid uint32, size int) (uint64, error) {
	switch oid {
	case cx.OIDInt2, cx.OIDInt4, cx.OIDInt8, cx.OIDOid:
		i := int64(b.Bits(row, column))
		if i >= 0 && uint64(i)<<(64-size)>>(64-size) == uint64(i) {
			return uint64(i), nil
		}
	case cx.OIDNumeric:
		if text, whole := wholeNumber(b, row, column); whole {
			if u, err := strconv.ParseUint(text, 10, size); err == nil {
				return u, nil
			}
		}
	default:
		return 0, &cellError{ErrType, fmt.Sprintf("a value of type %s is not an integer", typeName(oid))}
	}
	return 0, tooBig(b, row, column, fmt.Sprintf("an unsigned integer of %d bits", size))
}

// cellFloat is the nearest one to a number of any type.
func cellFloat(b *cx.Block, row, column int, oid uint32) (float64, error) {
	switch oid {
	case cx.OIDFloat4, cx.OIDFloat8:
		return math.Float64frombits(b.Bits(row, column)), nil
	case cx.OIDInt2, cx.OIDInt4, cx.OIDInt8, cx.OIDOid:
		return float64(int64(b.Bits(row, column))), nil
	case cx.OIDNumeric:
		f, err := strconv.ParseFloat(b.Format(row, column), 64)
		if err != nil {
			return 0, tooBig(b, row, column, "a float64")
		}
		return f, nil
	}
	return 0, &cellError{ErrType, fmt.Sprintf("a value of type %s is not a number", typeName(oid))}
}

// scanReflected is for pointers (NULL is nil), slices (arrays of SQL), and types of a basic kind.
func scanReflected(b *cx.Block, row, column int, oid uint32, dest any) error {
	r := reflect.ValueOf(dest)
	if r.Kind() != reflect.Pointer || r.IsNil() {
		return fmt.Errorf("%T is not a pointer", dest)
	}
	v := r.Elem()
	if v.Kind() == reflect.Pointer {
		target := reflect.New(v.Type().Elem())
		if err := scanCell(b, row, column, target.Interface()); err != nil {
			return err
		}
		v.Set(target)
		return nil
	}
	if d, ok := dest.(encoding.TextUnmarshaler); ok {
		return d.UnmarshalText([]byte(cellText(b, row, column, oid)))
	}
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, err := cellInt(b, row, column, oid, v.Type().Bits())
		v.SetInt(i)
		return err
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		u, err := cellUint(b, row, column, oid, v.Type().Bits())
		v.SetUint(u)
		return err
	case reflect.Float32, reflect.Float64:
		f, err := cellFloat(b, row, column, oid)
		if v.OverflowFloat(f) {
			return tooBig(b, row, column, "a float32")
		}
		v.SetFloat(f)
		return err
	case reflect.String:
		v.SetString(cellText(b, row, column, oid))
		return nil
	case reflect.Bool:
		if oid == cx.OIDBool {
			v.SetBool(b.Bits(row, column) != 0)
			return nil
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			bytes, _ := valueOf(b, row, column).([]byte)
			if bytes == nil {
				bytes = []byte(cellText(b, row, column, oid))
			}
			v.SetBytes(bytes)
			return nil
		}
		return scanArray(b.Bytes(row, column), oid, v)
	case reflect.Array:
		if raw := b.Bytes(row, column); oid == cx.OIDUUID && v.Len() == len(raw) && v.Type().Elem().Kind() == reflect.Uint8 {
			reflect.Copy(v, reflect.ValueOf(raw))
			return nil
		}
	}
	return mismatch(oid, dest)
}
