package kql

import "strings"

// props reads name=value parameters. Those that Kusto knows for any operator
// are taken at every operator; more are those that only this one knows. Without
// equals a known name is a parameter even when no = follows it.
func (p *parser) props(more []string, equals bool) []Property {
	var list []Property
	for {
		n := p.propLen(more)
		if n == 0 || equals && p.peek(n).kind != tEqual {
			return list
		}
		list = append(list, p.prop(n))
	}
}

// propLen is the number of tokens of a parameter's name here, 0 for none.
func (p *parser) propLen(more []string) int {
	t := p.tok()
	if t.kind != tIdent && !t.keyword() {
		return 0
	}
	word := p.text(t)
	if knownProperty(word) {
		return 1
	}
	for _, m := range more {
		if word == m {
			return 1
		}
	}
	if word == "hint" && p.peek(1).kind == tDot && !p.peek(1).space {
		switch p.text(p.peek(2)) {
		case "pass_filters", "pass_filters_column":
			return 3
		}
	}
	return 0
}

// knownProperty tells whether a word is a parameter's name to Kusto wherever
// parameters may be.
func knownProperty(word string) bool {
	switch word {
	case "kind", "withsource", "with_source", "isfuzzy", "with_itemindex", "with_match_id", "with_step_name", "bagexpansion", "bin_legacy", "cycles",
		"decodeblocks", "expandoutput", "force_remote", "__crossCluster", "__crossDB", "__id", "__isFuzzy", "__noWithSource", "__packedColumn", "__sourceColumnIndex":
		return true
	}
	if hint, ok := strings.CutPrefix(word, "hint."); ok {
		switch hint {
		case "concurrency", "distribution", "materialized", "num_partitions", "progressive_top", "remote", "shufflekey", "spread", "strategy":
			return true
		}
	}
	return false
}

// prop reads a parameter whose name has n tokens.
func (p *parser) prop(n int) Property {
	start := p.start()
	name := Name{Span: Span{start, int(p.peek(n - 1).end)}}
	name.Text = p.src[name.Start:name.End]
	p.pos += n
	prop := Property{Name: name}
	if !p.expect(tEqual) {
		prop.Value = &Missing{Span{p.end(), p.end()}}
		prop.Span = p.from(start)
		return prop
	}
	p.propValue(&prop)
	prop.Span = p.from(start)
	return prop
}

// propValue reads what follows the = of a parameter: a word, a literal or a
// column; for some a list of columns, for titles an expression.
func (p *parser) propValue(prop *Property) {
	switch prop.Name.Text {
	case "title", "xtitle", "ytitle":
		if prop.Value = p.postfix(); prop.Value == nil {
			prop.Value = p.missing("value")
		}
		return
	case "ycolumns", "anomalycolumns", "series":
		p.propColumns(prop)
		return
	}
	if prop.Value = p.literal(); prop.Value != nil {
		return
	}
	switch t := p.tok(); {
	case p.nameLen(0, canIdent) > 0:
		prop.Value = &NameRef{p.name()}
	case t.keyword() && takesWord(prop.Name.Text, p.text(t)):
		prop.Value = &NameRef{Name{Span: p.here(), Text: p.text(t)}}
		p.next()
	default:
		prop.Value = p.missing("value")
	}
}

// takesWord tells whether a parameter's value may be a word that is a keyword.
func takesWord(name, word string) bool {
	return name == "kind" && (word == "simple" || word == "relaxed" || word == "nooptimization")
}

// propColumns reads a, b up to the next parameter or the end.
func (p *parser) propColumns(prop *Property) {
	for {
		if p.nameLen(0, canIdent|canExtended) == 0 {
			if m := p.missing("name"); prop.Value == nil {
				prop.Value = m
			}
			return
		}
		n := p.name()
		if prop.Value == nil {
			prop.Value = &NameRef{n}
		}
		prop.List = append(prop.List, n)
		if p.kind() != tComma || p.peek(2).kind == tEqual && p.isName(1, 0xFF) {
			break
		}
		p.next()
	}
	if len(prop.List) == 1 {
		prop.List = nil
	}
}

// propList reads the parameters of with (...), between commas; only known ones.
func (p *parser) propList(known func(string) bool) []Property {
	var list []Property
	for !p.ends() {
		t := p.tok()
		if t.kind != tIdent && !t.keyword() || !known(p.text(t)) {
			p.report("KS006", "Missing parameter%s", p.hint())
			return list
		}
		list = append(list, p.prop(1))
		if !p.accept(tComma) {
			return list
		}
		if p.ends() {
			p.missing("parameter")
		}
	}
	return list
}
