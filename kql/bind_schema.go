package kql

// getSchema is the columns of the table as rows.
func (b *binder) getSchema(o *GetSchemaOp, in *table) *table {
	if o.Kind == "csl" {
		text := ""
		for i, c := range in.cols {
			if i > 0 {
				text += ", "
			}
			text += bracketed(c.Name) + ":" + c.Type.String()
		}
		cols := []Column{b.column("Schema", String)}
		return &table{rel: &Values{Cols: cols, Rows: [][]Value{{StringOf(text)}}}, cols: cols, serialized: true}
	}
	cols := []Column{b.column("ColumnName", String), b.column("ColumnOrdinal", Long), b.column("DataType", String), b.column("ColumnType", String)}
	v := &Values{Cols: cols}
	for i, c := range in.cols {
		v.Rows = append(v.Rows, []Value{StringOf(c.Name), LongOf(int64(i)), StringOf(clrType(c.Type)), StringOf(c.Type.String())})
	}
	return &table{rel: v, cols: cols, serialized: true, open: false}
}

// clrType is the name of a type in .NET, as getschema tells it.
func clrType(t Type) string {
	switch t {
	case Bool:
		return "System.SByte"
	case Int:
		return "System.Int32"
	case Long:
		return "System.Int64"
	case Real:
		return "System.Double"
	case Decimal:
		return "System.Data.SqlTypes.SqlDecimal"
	case String:
		return "System.String"
	case DateTime:
		return "System.DateTime"
	case TimeSpan:
		return "System.TimeSpan"
	case Guid:
		return "System.Guid"
	}
	return "System.Object"
}

// bracketed is a name as it has to be written.
func bracketed(name string) string {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return "['" + name + "']"
		}
	}
	if name == "" {
		return "['']"
	}
	return name
}

// assertSchema checks the columns.
func (b *binder) assertSchema(o *AssertSchemaOp, in *table) *table {
	for i := range o.Columns {
		d := &o.Columns[i]
		t, _ := ParseType(d.Type.Text)
		found := false
		for _, c := range in.cols {
			if c.Name == d.Name.Text {
				found = true
				if t != Unknown && c.Type != Unknown && c.Type != t {
					b.errorf(d.Span, "", "assert-schema: the column '%s' is of type %s, not %s.", c.Name, c.Type, t)
				}
			}
		}
		if !found && !in.open {
			b.errorf(d.Span, "", "assert-schema: there is no column '%s'.", d.Name.Text)
		}
	}
	return in
}
