package kql

import (
	"encoding/xml"
	"io"
	"strings"
)

// The service reads no more than this many bytes of XML; longer text is null.
const (
	maxXMLBytes = 1 << 20
	maxXMLDepth = 128
)

func init() {
	Register(Func{Name: "parse_xml", Naming: NameFirst, Doc: "The XML text as a dynamic; null when it is none.", Sigs: []Sig{Of(Dynamic, P("xml_text", onlyString|onlyDynamic))},
		Eval: func(args []Value) Value {
			if d, ok := parseXML(textOf(args[0])); ok {
				return DynamicOf(d)
			}
			return Null(Dynamic)
		}})
}

// xmlElement is an element that is not closed yet.
type xmlElement struct {
	name  string
	bag   *Bag // attributes and elements
	texts []Dyn
	run   strings.Builder // text up to the next element
}

func xmlName(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

// parseXML makes a bag of the root element. An element with nothing in it is
// null, one with only text that text; another is a bag of its attributes under
// @name, its text under #text and its elements, those of one name as an array.
// Everything else is left out.
func parseXML(s string) (Dyn, bool) {
	if len(s) > maxXMLBytes {
		return nil, false
	}
	r := xml.NewDecoder(strings.NewReader(s))
	r.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // the text is UTF-8 already
	result := NewBag()
	var open []*xmlElement
	for {
		token, err := r.RawToken()
		if err == io.EOF {
			return result, len(open) == 0 && len(result.Keys) == 1
		}
		if err != nil {
			return nil, false
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(open) == 0 && len(result.Keys) > 0 || len(open) >= maxXMLDepth {
				return nil, false
			}
			if len(open) > 0 {
				open[len(open)-1].endRun()
			}
			e := &xmlElement{name: xmlName(t.Name), bag: NewBag()}
			for _, a := range t.Attr {
				e.bag.Set("@"+xmlName(a.Name), a.Value)
			}
			open = append(open, e)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1].name != xmlName(t.Name) {
				return nil, false
			}
			e := open[len(open)-1]
			open = open[:len(open)-1]
			e.endRun()
			if len(open) == 0 {
				result.Set(e.name, e.value())
			} else {
				open[len(open)-1].add(e.name, e.value())
			}
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].run.Write(t)
			} else if strings.Trim(string(t), " \t\r\n\uFEFF") != "" {
				return nil, false
			}
		}
	}
}

// xmlList marks the elements of one name, which are not the same as a value that
// is an array.
type xmlList struct{ list []Dyn }

func (e *xmlElement) add(name string, d Dyn) {
	switch old, ok := e.bag.Get(name); {
	case !ok:
		e.bag.Set(name, d)
	default:
		if l, ok := old.(*xmlList); ok {
			l.list = append(l.list, d)
		} else {
			e.bag.Set(name, &xmlList{[]Dyn{old, d}})
		}
	}
}

func (e *xmlElement) endRun() {
	if text := strings.TrimSpace(e.run.String()); text != "" {
		e.texts = append(e.texts, text)
	}
	e.run.Reset()
}

func (e *xmlElement) value() Dyn {
	if len(e.bag.Keys) == 0 {
		switch len(e.texts) {
		case 0:
			return nil
		case 1:
			return e.texts[0]
		}
	}
	for _, k := range e.bag.Keys {
		if l, ok := e.bag.Values[k].(*xmlList); ok {
			e.bag.Values[k] = l.list
		}
	}
	switch len(e.texts) {
	case 0:
	case 1:
		e.bag.Set("#text", e.texts[0])
	default:
		e.bag.Set("#text", e.texts)
	}
	return e.bag
}
