package creche

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"libcreche/creche/internal/cx"
)

// arrays are the array types that Go code meets, by the types of their elements.
var arrays = map[uint32]uint32{
	1000: cx.OIDBool, 1001: cx.OIDBytea, 1005: cx.OIDInt2, 1007: cx.OIDInt4, 1016: cx.OIDInt8,
	1009: cx.OIDText, 1015: oidVarchar, 1014: oidBpchar, 1003: oidName, 1021: cx.OIDFloat4,
	1022: cx.OIDFloat8, 1028: cx.OIDOid, 2951: cx.OIDUUID, 199: cx.OIDJSON, 3807: cx.OIDJSONB,
}

func elementOf(oid uint32) uint32 { return arrays[oid] }

// array is the binary form of an array, taken apart.
type array struct {
	element    uint32
	dimensions []int
	cells      [][]byte // nil is NULL
}

func parseArray(raw []byte) (a array, ok bool) {
	if len(raw) < 12 {
		return a, false
	}
	n := int(binary.BigEndian.Uint32(raw))
	a.element = binary.BigEndian.Uint32(raw[8:])
	raw = raw[12:]
	if n > 6 || len(raw) < 8*n {
		return a, false
	}
	for i := 0; i < n; i++ {
		a.dimensions = append(a.dimensions, int(binary.BigEndian.Uint32(raw[8*i:])))
	}
	for raw = raw[8*n:]; len(raw) >= 4; {
		size := int(int32(binary.BigEndian.Uint32(raw)))
		raw = raw[4:]
		if size < 0 {
			a.cells = append(a.cells, nil)
			continue
		}
		if size > len(raw) {
			return a, false
		}
		a.cells = append(a.cells, raw[:size:size])
		raw = raw[size:]
	}
	return a, len(raw) == 0
}

// elementText is an element as PostgreSQL prints it.
func elementText(oid uint32, raw []byte) (string, bool) {
	switch {
	case isText(oid), oid == cx.OIDJSON:
		return string(raw), true
	case oid == cx.OIDJSONB:
		return string(jsonb(raw)), true
	case oid == cx.OIDBytea:
		return `\x` + hex.EncodeToString(raw), true
	case oid == cx.OIDBool && len(raw) == 1:
		return [2]string{"f", "t"}[raw[0]&1], true
	case oid == cx.OIDInt2 && len(raw) == 2:
		return strconv.Itoa(int(int16(binary.BigEndian.Uint16(raw)))), true
	case oid == cx.OIDInt4 && len(raw) == 4:
		return strconv.Itoa(int(int32(binary.BigEndian.Uint32(raw)))), true
	case oid == cx.OIDOid && len(raw) == 4:
		return strconv.FormatUint(uint64(binary.BigEndian.Uint32(raw)), 10), true
	case oid == cx.OIDInt8 && len(raw) == 8:
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(raw)), 10), true
	case oid == cx.OIDFloat4 && len(raw) == 4:
		return strconv.FormatFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(raw))), 'g', -1, 32), true
	case oid == cx.OIDFloat8 && len(raw) == 8:
		return strconv.FormatFloat(math.Float64frombits(binary.BigEndian.Uint64(raw)), 'g', -1, 64), true
	case oid == cx.OIDUUID && len(raw) == 16:
		return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:]), true
	}
	return "", false
}

// arrayLiteral is an array as text, "{1,2,NULL}".
func arrayLiteral(raw []byte) (string, bool) {
	a, ok := parseArray(raw)
	if !ok {
		return "", false
	}
	var b strings.Builder
	at := 0
	var level func(dimensions []int) bool
	level = func(dimensions []int) bool {
		b.WriteByte('{')
		for i := 0; i < dimensions[0]; i++ {
			if i > 0 {
				b.WriteByte(',')
			}
			if len(dimensions) > 1 {
				if !level(dimensions[1:]) {
					return false
				}
				continue
			}
			if at >= len(a.cells) {
				return false
			}
			if a.cells[at] == nil {
				b.WriteString("NULL")
			} else {
				text, ok := elementText(a.element, a.cells[at])
				if !ok {
					return false
				}
				quoteElement(&b, text)
			}
			at++
		}
		b.WriteByte('}')
		return true
	}
	if len(a.dimensions) == 0 {
		return "{}", true
	}
	ok = level(a.dimensions) && at == len(a.cells)
	return b.String(), ok
}

func quoteElement(b *strings.Builder, text string) {
	if text != "" && !strings.EqualFold(text, "null") && !strings.ContainsAny(text, "{},\"\\ \t\n\r\v\f") {
		b.WriteString(text)
		return
	}
	quote(b, text)
}

func quote(b *strings.Builder, text string) {
	b.WriteByte('"')
	for _, c := range []byte(text) {
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
}

// scanArray stores an array of one dimension in a slice.
func scanArray(raw []byte, oid uint32, v reflect.Value) error {
	a, ok := parseArray(raw)
	if elementOf(oid) == 0 || !ok || len(a.dimensions) > 1 {
		return mismatch(oid, v.Addr().Interface())
	}
	slice := reflect.MakeSlice(v.Type(), len(a.cells), len(a.cells))
	for i, cell := range a.cells {
		element := slice.Index(i)
		if element.Kind() == reflect.Pointer {
			if cell == nil {
				continue
			}
			element.Set(reflect.New(element.Type().Elem()))
			element = element.Elem()
		} else if cell == nil {
			return fmt.Errorf("element %d is NULL: scan the array into a slice of pointers", i+1)
		}
		if err := setElement(element, a.element, cell); err != nil {
			return fmt.Errorf("element %d: %w", i+1, err)
		}
	}
	v.Set(slice)
	return nil
}

func setElement(v reflect.Value, oid uint32, raw []byte) error {
	text, ok := elementText(oid, raw)
	if !ok {
		return mismatch(oid, v.Addr().Interface())
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(text == "t")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		var i int64
		i, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(i)
	case reflect.Uint, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		var u uint64
		u, err = strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(u)
	case reflect.Float32, reflect.Float64:
		var f float64
		f, err = strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(f)
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return mismatch(oid, v.Addr().Interface())
		}
		v.SetBytes(append([]byte{}, raw...))
	default:
		return mismatch(oid, v.Addr().Interface())
	}
	return err
}

var typeNames = map[uint32]string{
	cx.OIDBool: "BOOL", cx.OIDBytea: "BYTEA", cx.OIDInt8: "INT8", cx.OIDInt2: "INT2", cx.OIDInt4: "INT4",
	cx.OIDText: "TEXT", cx.OIDJSON: "JSON", cx.OIDFloat4: "FLOAT4", cx.OIDFloat8: "FLOAT8", cx.OIDDate: "DATE",
	cx.OIDTimestamp: "TIMESTAMP", cx.OIDTimestampTZ: "TIMESTAMPTZ", cx.OIDNumeric: "NUMERIC", cx.OIDUUID: "UUID",
	cx.OIDJSONB: "JSONB", cx.OIDOid: "OID", oidVarchar: "VARCHAR", oidBpchar: "BPCHAR", oidName: "NAME",
	oidXML: "XML", 1083: "TIME", 1266: "TIMETZ", 1186: "INTERVAL",
}

func typeName(oid uint32) string {
	if name, ok := typeNames[oid]; ok {
		return name
	}
	if element := elementOf(oid); element != 0 {
		return "_" + typeName(element)
	}
	return strconv.FormatUint(uint64(oid), 10)
}
