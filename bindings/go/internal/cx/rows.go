package cx

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// The structs of a row block, read as they lie.
type blockHeader struct {
	magic, version uint32
	totalSize      uint64
	rowCount       uint64
	columnCount    uint32
	columnsOffset  uint32
	cellsOffset    uint64
	affected       int64
	tagOffset      uint32
	typesOffset    uint32
}

type blockColumn struct {
	nameOffset  uint32
	oid         uint32
	modifier    int32
	table       uint32
	tableColumn int32
	text        uint32
}

type blockCell struct {
	bits  uint64
	size  uint32
	later uint32
}

var (
	_ = [1]struct{}{}[unsafe.Sizeof(blockHeader{})-C.sizeof_creche_row_block]
	_ = [1]struct{}{}[unsafe.Offsetof(blockHeader{}.affected)-unsafe.Offsetof(C.creche_row_block{}.affected)]
	_ = [1]struct{}{}[unsafe.Offsetof(blockHeader{}.typesOffset)-unsafe.Offsetof(C.creche_row_block{}.types_offset)]
	_ = [1]struct{}{}[unsafe.Sizeof(blockColumn{})-C.sizeof_creche_row_column]
	_ = [1]struct{}{}[unsafe.Sizeof(blockCell{})-C.sizeof_creche_row_cell]
)

// Block is a block of rows: a copy of Go's, or memory of a rows handle, which must be kept as long.
type Block struct {
	header *blockHeader
	handle uint64
}

// CopyBlock copies the block at data.
func CopyBlock(data unsafe.Pointer) Block {
	size := (*blockHeader)(data).totalSize
	words := make([]uint64, (size+7)/8)
	p := unsafe.Pointer(unsafe.SliceData(words))
	copy(unsafe.Slice((*byte)(p), size), unsafe.Slice((*byte)(data), size))
	return viewBlock(p, 0)
}

// ViewBlock is the block at data; Release gives its handle up.
func ViewBlock(data unsafe.Pointer, handle uint64) Block { return viewBlock(data, handle) }

func viewBlock(p unsafe.Pointer, handle uint64) Block {
	h := (*blockHeader)(p)
	return Block{header: h, handle: handle}
}

// BlockSize is the size of the block at data.
func BlockSize(data unsafe.Pointer) uint64 { return (*blockHeader)(data).totalSize }

// Release gives a block up that is a view.
func (b *Block) Release() {
	if b.handle != 0 {
		C.creche_rows_release(C.creche_rows{id: C.uint64_t(b.handle)})
	}
	*b = Block{}
}

// Valid: there is a block.
func (b *Block) Valid() bool { return b.header != nil }

// IsView: it is memory of a rows handle.
func (b *Block) IsView() bool { return b.handle != 0 }

// Rows and Columns are its extents.
func (b *Block) Rows() int { return int(b.header.rowCount) }

// Columns is how many columns it has.
func (b *Block) Columns() int { return int(b.header.columnCount) }

// Affected is how many rows the command changed or returned; -1: not known.
func (b *Block) Affected() int64 { return b.header.affected }

// Tag is the command tag.
func (b *Block) Tag() string {
	if b.header.tagOffset == 0 {
		return ""
	}
	return cString(unsafe.Add(unsafe.Pointer(b.header), b.header.tagOffset))
}

func (b *Block) column(i int) *blockColumn {
	return (*blockColumn)(unsafe.Add(unsafe.Pointer(b.header),
		uintptr(b.header.columnsOffset)+uintptr(i)*unsafe.Sizeof(blockColumn{})))
}

// Name of a column.
func (b *Block) Name(i int) string {
	return cString(unsafe.Add(unsafe.Pointer(b.header), b.column(i).nameOffset))
}

// Type of a column: its oid.
func (b *Block) Type(i int) uint32 { return b.column(i).oid }

// TypeName of an oid: of a built-in type, or of one that the block describes; else "".
func (b *Block) TypeName(oid uint32) string {
	name := C.creche_row_type_name((*C.creche_row_block)(unsafe.Pointer(b.header)), C.uint32_t(oid))
	return C.GoString(name)
}

// Text of all rows: CSV or JSON.
func (b *Block) Text(csv bool, flags uint32, delimiter byte) ([]byte, *Failure) {
	var made *C.char
	kind := C.int32_t(0)
	if csv {
		kind = 1
	}
	a := answer(C.cx_rows_text((*C.creche_row_block)(unsafe.Pointer(b.header)), kind, C.uint32_t(flags),
		C.char(delimiter), &made))
	defer C.free(unsafe.Pointer(made))
	if a.Failure != nil {
		return nil, a.Failure
	}
	text := make([]byte, a.ID)
	copy(text, unsafe.Slice((*byte)(unsafe.Pointer(made)), a.ID))
	return text, nil
}

// IsText: the cells of a column hold the text, as the server has printed it.
func (b *Block) IsText(i int) bool { return b.column(i).text == 1 }

// Modifier of a column's type.
func (b *Block) Modifier(i int) int32 { return b.column(i).modifier }

func (b *Block) cell(row, column int) *blockCell {
	at := uintptr(row)*uintptr(b.header.columnCount) + uintptr(column)
	return (*blockCell)(unsafe.Add(unsafe.Pointer(b.header), uintptr(b.header.cellsOffset)+at*unsafe.Sizeof(blockCell{})))
}

// Null: the cell is SQL NULL.
func (b *Block) Null(row, column int) bool { return b.cell(row, column).size == C.CRECHE_CELL_NULL }

// Bits is the cell of a type that is held in bits.
func (b *Block) Bits(row, column int) uint64 { return b.cell(row, column).bits }

// Late is a timestamp that no number of microseconds reaches.
func (b *Block) Late(row, column int) bool { return b.cell(row, column).later != 0 }

// Bytes is a view of the binary form of a cell of any other type.
func (b *Block) Bytes(row, column int) []byte {
	c := b.cell(row, column)
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(b.header), c.bits)), c.size)
}

// Format is any cell as PostgreSQL prints it.
func (b *Block) Format(row, column int) string {
	var small [64]byte
	buffer := small[:]
	for {
		n := int(C.creche_row_format((*C.creche_row_block)(unsafe.Pointer(b.header)), C.uint64_t(row),
			C.uint32_t(column), (*C.char)(unsafe.Pointer(&buffer[0])), C.size_t(len(buffer))))
		if n < len(buffer) {
			return string(buffer[:n])
		}
		buffer = make([]byte, n+1)
	}
}

func cString(p unsafe.Pointer) string {
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}
