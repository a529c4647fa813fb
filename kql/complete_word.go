package kql

// word is a word of the grammar with what an editor shows of it.
type word struct{ Name, Doc string }

// operatorWords are the operators that may follow a pipe, in the order of how
// often hunting queries use them.
var operatorWords = []word{
	{"where", "Keeps the rows for which a predicate is true."},
	{"extend", "Adds computed columns."},
	{"summarize", "Groups rows and computes aggregates of each group."},
	{"project", "Selects, renames and computes columns."},
	{"sort", "Orders the rows: sort by a desc, b asc."},
	{"join", "Joins the rows of two tables by columns that match."},
	{"distinct", "Keeps one row of each combination of columns."},
	{"project-reorder", "Moves columns to the front."},
	{"render", "Says how the result is drawn."},
	{"mv-expand", "Gives a row for each element of an array."},
	{"top", "Keeps the first rows by an order: top 5 by a."},
	{"union", "Puts the rows of several tables together."},
	{"take", "Keeps up to a number of rows, any of them."},
	{"project-rename", "Renames columns: project-rename new = old."},
	{"parse", "Takes a text apart into columns by a pattern."},
	{"project-away", "Leaves columns out."},
	{"evaluate", "Calls a plugin."},
	{"invoke", "Calls a function with the table as its first argument."},
	{"make-series", "Makes arrays of aggregates over an axis."},
	{"search", "Keeps the rows that have a term in any column."},
	{"lookup", "Adds the columns of a dimension table."},
	{"mv-apply", "Runs a subquery over the elements of each row's array."},
	{"parse-where", "As parse, without the rows that do not match."},
	{"as", "Names the table for later use in the query."},
	{"count", "Counts the rows."},
	{"top-nested", "Keeps the top values on several levels."},
	{"partition", "Runs a subquery for each value of a column."},
	{"scan", "Matches sequences of rows by steps."},
	{"serialize", "Marks the order of the rows as one to keep."},
	{"project-keep", "Keeps columns, without changing their order."},
	{"parse-kv", "Takes pairs of names and values out of a text."},
	{"sample", "Keeps a number of random rows."},
	{"sample-distinct", "Gives a number of distinct values: sample-distinct 5 of a."},
	{"top-hitters", "Gives the most frequent values, approximately."},
	{"getschema", "Gives the table's columns as rows."},
	{"facet", "Gives a table of the values of each column."},
	{"fork", "Runs several subqueries on the same rows."},
	{"reduce", "Groups texts that are alike."},
	{"limit", "As take."},
	{"order", "As sort."},
	{"filter", "As where."},
	{"consume", "Reads the rows and gives none."},
	{"assert-schema", "Fails when the table has other columns."},
	{"make-graph", "Makes a graph of a table of edges."},
	{"graph-match", "Finds patterns in a graph."},
	{"graph-shortest-paths", "Finds the shortest paths of a graph."},
	{"graph-to-table", "Gives a graph's nodes and edges as tables."},
	{"graph-mark-components", "Marks the connected components of a graph."},
	{"graph-where-nodes", "Keeps the nodes for which a predicate is true."},
	{"graph-where-edges", "Keeps the edges for which a predicate is true."},
	{"project-by-names", "Selects columns by names that are values."},
}

// statementWords begin a statement or a query.
var statementWords = []word{
	{"let", "Names an expression, a table or a function."},
	{"set", "Sets an option of the query."},
	{"declare query_parameters", "Declares the query's parameters."},
	{"union", "Puts the rows of several tables together."},
	{"search", "Searches tables for a term."},
	{"find", "Searches tables for rows that match a predicate."},
	{"range", "Makes a table of numbers or times: range x from 1 to 10 step 1."},
	{"print", "Gives one row of values."},
	{"datatable", "A table written in the query: datatable(a:long)[1, 2]."},
	{"externaldata", "Reads a table from a URI."},
	{"evaluate", "Calls a plugin."},
}

// infixWords are operators between two operands that are words.
var infixWords = []word{
	{"and", "True when both are."},
	{"or", "True when one of both is."},
	{"has", "Has the term, whatever its case."},
	{"contains", "Has the text anywhere, whatever its case."},
	{"startswith", "Begins with the text, whatever its case."},
	{"endswith", "Ends with the text, whatever its case."},
	{"in", "Is one of the values: in (a, b)."},
	{"in~", "Is one of the values, whatever their case."},
	{"!in", "Is none of the values."},
	{"!in~", "Is none of the values, whatever their case."},
	{"has_any", "Has one of the terms: has_any (a, b)."},
	{"has_all", "Has all of the terms: has_all (a, b)."},
	{"between", "Is in the range: between (a .. b)."},
	{"!between", "Is not in the range."},
	{"matches regex", "Matches the regular expression."},
	{"!has", "Does not have the term."},
	{"!contains", "Does not have the text."},
	{"!startswith", "Does not begin with the text."},
	{"!endswith", "Does not end with the text."},
	{"has_cs", "Has the term, in this case."},
	{"contains_cs", "Has the text, in this case."},
	{"startswith_cs", "Begins with the text, in this case."},
	{"endswith_cs", "Ends with the text, in this case."},
	{"hasprefix", "Has a term that begins with the text."},
	{"hassuffix", "Has a term that ends with the text."},
}

// joinKinds and the others below are the values of parameters.
var (
	joinKinds   = []word{{"inner", "All pairs of rows that match."}, {"innerunique", "As inner, with one row of the left for each key. The default."}, {"leftouter", "And the rows of the left without a match."}, {"rightouter", "And the rows of the right without a match."}, {"fullouter", "And the rows of both without a match."}, {"leftanti", "The rows of the left without a match."}, {"rightanti", "The rows of the right without a match."}, {"leftsemi", "The rows of the left with a match."}, {"rightsemi", "The rows of the right with a match."}}
	lookupKinds = []word{{"leftouter", "And the rows of the left without a match. The default."}, {"inner", "Rows that match."}}
	unionKinds  = []word{{"outer", "All columns. The default."}, {"inner", "The columns that all tables have."}}
	parseKinds  = []word{{"simple", "Texts are taken as they are. The default."}, {"regex", "Texts are regular expressions."}, {"relaxed", "A column that does not convert is null."}}
	searchKinds = []word{{"default", ""}, {"case_insensitive", ""}, {"case_sensitive", ""}}
	expandKinds = []word{{"bag", "A bag gives bags of one property."}, {"array", "A bag gives arrays of name and value."}}
	seriesKinds = []word{{"nonempty", "An empty input gives no series."}}
	chartWords  = []word{{"table", ""}, {"timechart", ""}, {"columnchart", ""}, {"barchart", ""}, {"piechart", ""}, {"linechart", ""}, {"areachart", ""}, {"stackedareachart", ""}, {"scatterchart", ""}, {"anomalychart", ""}, {"card", ""}, {"treemap", ""}}
	typeWords   = []word{{"string", ""}, {"long", ""}, {"int", ""}, {"real", ""}, {"bool", ""}, {"datetime", ""}, {"timespan", ""}, {"dynamic", ""}, {"guid", ""}, {"decimal", ""}}
)
