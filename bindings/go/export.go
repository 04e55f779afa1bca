package creche

// JSONForm says how Rows.JSON writes.
type JSONForm struct {
	Lines  bool // a row a line, no array around them (NDJSON)
	Arrays bool // a row is an array of values, not an object by the columns' names
	Exact  bool // int8 and numeric as strings
	Finite bool // NaN and the infinities of numbers as null
}

// CSVForm says how Rows.CSV writes.
type CSVForm struct {
	Header    bool // the columns' names in the first line
	CRLF      bool // lines end in CR LF
	Quote     bool // quotes around all that is not NULL
	Delimiter byte // 0: a comma
}

func flags(set ...bool) uint32 {
	var all uint32
	for i, s := range set {
		if s {
			all |= 1 << i
		}
	}
	return all
}

// JSON is all rows of the current block (all there are, unless this is a stream) as JSON, as
// PostgreSQL's row_to_json has it: no digit of a number is lost.
func (r *Rows) JSON(form JSONForm) ([]byte, error) {
	return r.text(false, flags(form.Lines, form.Arrays, form.Exact, form.Finite), 0)
}

// CSV is all rows of the current block as CSV, as COPY writes it.
func (r *Rows) CSV(form CSVForm) ([]byte, error) {
	return r.text(true, flags(form.Header, form.CRLF, form.Quote), form.Delimiter)
}

func (r *Rows) text(csv bool, flags uint32, delimiter byte) ([]byte, error) {
	if r.closed || !r.block.Valid() {
		return nil, errNoRow
	}
	text, failed := r.block.Text(csv, flags, delimiter)
	if failed != nil {
		return nil, newError(failed, nil)
	}
	return text, nil
}
