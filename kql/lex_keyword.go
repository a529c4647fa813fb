package kql

// Keywords of the language. Which of them may be used as a name without
// brackets is as Kusto's language service has it; keywords are case-sensitive.

const (
	_ kind = iota + firstKeyword - 1

	kwAccess
	kwAccumulate
	kwAlias
	kwAnd
	kwAs
	kwAsc
	kwAssertSchema
	kwBagexpansion
	kwBetween
	kwBin
	kwBy
	kwConsume
	kwContains
	kwContainscs
	kwContainsCs
	kwContextualDatatable
	kwCount
	kwDatabase
	kwDatascope
	kwDatatable
	kwDeclare
	kwDefault
	kwDesc
	kwDistinct
	kwDynamic
	kwEdges
	kwEndswith
	kwEndswithCs
	kwEntityGroup
	kwEvaluate
	kwExtend
	kwExternaldata
	kwExternalData
	kwFacet
	kwFilter
	kwFind
	kwFirst
	kwFork
	kwFrom
	kwGetschema
	kwGrannyAsc
	kwGrannyDesc
	kwGraphMarkComponents
	kwGraphMatch
	kwGraphShortestPaths
	kwGraphToTable
	kwGraphWhereEdges
	kwGraphWhereNodes
	kwHas
	kwHasAll
	kwHasAny
	kwHasCs
	kwHasprefix
	kwHasprefixCs
	kwHassuffix
	kwHassuffixCs
	kwId
	kwIn
	kwInCi
	kwInlineExternalTable
	kwInvoke
	kwJoin
	kwKind
	kwLast
	kwLet
	kwLike
	kwLikecs
	kwLimit
	kwLookup
	kwMacroExpand
	kwMakeGraph
	kwMakeSeries
	kwMatchesRegex
	kwMaterialize
	kwMaterializedViewCombine
	kwMvApply
	kwMvExpand
	kwMvapply
	kwMvexpand
	kwNodes
	kwNotcontains
	kwNotcontainscs
	kwNotlike
	kwNotlikecs
	kwNull
	kwNulls
	kwOf
	kwOn
	kwOptional
	kwOr
	kwOrder
	kwOthers
	kwOutput
	kwPack
	kwParse
	kwParseKv
	kwParseWhere
	kwPartition
	kwPartitionedBy
	kwPattern
	kwPrint
	kwProject
	kwProjectAway
	kwProjectByNames
	kwProjectKeep
	kwProjectRename
	kwProjectReorder
	kwProjectSmart
	kwQueryParameters
	kwRange
	kwReduce
	kwRender
	kwRestrict
	kwSample
	kwSampleDistinct
	kwScan
	kwSearch
	kwSerialize
	kwSet
	kwSort
	kwStartswith
	kwStartswithCs
	kwStep
	kwSummarize
	kwTake
	kwTitle
	kwTo
	kwTop
	kwTopHitters
	kwTopNested
	kwToscalar
	kwTotable
	kwTypeof
	kwUnion
	kwView
	kwWhere
	kwWith
	kwWithNodeId
	kwWithSource
	kwWithsource
	// kwReserved is any keyword without a meaning in queries: those of control
	// commands, chart types, parameter names. It cannot be a name.
	kwReserved
	// kwExtended is the same, but can be the name of a column that is made.
	kwExtended
	kwType     // int, long, string ...
	kwTypeName // bool and guid, which can also be names
	kindCount
)

// How a keyword can be a name.
const (
	canIdent    uint8 = 1 << iota // anywhere
	canExtended                   // on the left of = and in declarations
	canSpecial                    // as a path's first part
)

var nameClass = [kindCount]uint8{

	kwAccess:              canIdent | canExtended,
	kwAccumulate:          canExtended,
	kwAlias:               canIdent | canExtended,
	kwAs:                  canExtended,
	kwBin:                 canIdent | canExtended,
	kwBy:                  canExtended,
	kwConsume:             canIdent | canExtended,
	kwContains:            canExtended,
	kwCount:               canIdent | canExtended,
	kwDatabase:            canIdent | canExtended,
	kwDatatable:           canExtended,
	kwDeclare:             canIdent | canExtended,
	kwDefault:             canIdent | canExtended,
	kwDistinct:            canIdent | canExtended,
	kwEdges:               canIdent | canExtended,
	kwEntityGroup:         canIdent | canExtended,
	kwEvaluate:            canIdent | canExtended,
	kwExtend:              canIdent | canExtended,
	kwExternaldata:        canExtended,
	kwFacet:               canIdent | canExtended,
	kwFilter:              canIdent | canExtended,
	kwFind:                canExtended,
	kwFork:                canIdent | canExtended,
	kwFrom:                canIdent | canExtended,
	kwGetschema:           canIdent | canExtended,
	kwHas:                 canExtended,
	kwId:                  canIdent | canExtended,
	kwIn:                  canExtended,
	kwInlineExternalTable: canIdent | canExtended,
	kwInvoke:              canExtended,
	kwJoin:                canIdent | canExtended,
	kwKind:                canSpecial,
	kwLet:                 canIdent | canExtended,
	kwLimit:               canIdent | canExtended,
	kwLookup:              canIdent | canExtended,
	kwMaterialize:         canExtended,
	kwMvapply:             canIdent | canExtended,
	kwMvexpand:            canIdent | canExtended,
	kwNodes:               canIdent | canExtended,
	kwNull:                canIdent | canExtended,
	kwNulls:               canIdent | canExtended,
	kwOf:                  canExtended,
	kwOn:                  canIdent | canExtended,
	kwOptional:            canIdent | canExtended,
	kwOrder:               canIdent | canExtended,
	kwOutput:              canIdent | canExtended,
	kwPack:                canIdent | canExtended,
	kwParse:               canIdent | canExtended,
	kwPartition:           canIdent | canExtended,
	kwPattern:             canIdent | canExtended,
	kwPrint:               canExtended,
	kwQueryParameters:     canIdent | canExtended,
	kwRange:               canIdent | canExtended,
	kwReduce:              canIdent | canExtended,
	kwRender:              canIdent | canExtended,
	kwRestrict:            canIdent | canExtended,
	kwSample:              canExtended,
	kwSampleDistinct:      canExtended,
	kwScan:                canIdent | canExtended,
	kwSearch:              canExtended,
	kwSerialize:           canIdent | canExtended,
	kwSet:                 canExtended,
	kwSort:                canIdent | canExtended,
	kwStep:                canIdent | canExtended,
	kwSummarize:           canIdent | canExtended,
	kwTake:                canIdent | canExtended,
	kwTitle:               canExtended,
	kwTo:                  canExtended,
	kwTop:                 canIdent | canExtended,
	kwTopHitters:          canExtended,
	kwTopNested:           canExtended,
	kwToscalar:            canExtended,
	kwTotable:             canExtended,
	kwTypeof:              canIdent | canExtended,
	kwView:                canIdent | canExtended,
	kwWhere:               canExtended,
	kwWith:                canIdent | canExtended,
	kwWithNodeId:          canIdent | canExtended,
	kwWithSource:          canSpecial,
	kwWithsource:          canSpecial,
	kwExtended:            canExtended,
	kwTypeName:            canIdent | canExtended,
}

// keywordText is the spelling of a keyword, for messages.
var keywordText = [kindCount]string{

	kwAccess:                  "access",
	kwAccumulate:              "accumulate",
	kwAlias:                   "alias",
	kwAnd:                     "and",
	kwAs:                      "as",
	kwAsc:                     "asc",
	kwAssertSchema:            "assert-schema",
	kwBagexpansion:            "bagexpansion",
	kwBetween:                 "between",
	kwBin:                     "bin",
	kwBy:                      "by",
	kwConsume:                 "consume",
	kwContains:                "contains",
	kwContainscs:              "containscs",
	kwContainsCs:              "contains_cs",
	kwContextualDatatable:     "__contextual_datatable",
	kwCount:                   "count",
	kwDatabase:                "database",
	kwDatascope:               "datascope",
	kwDatatable:               "datatable",
	kwDeclare:                 "declare",
	kwDefault:                 "default",
	kwDesc:                    "desc",
	kwDistinct:                "distinct",
	kwDynamic:                 "dynamic",
	kwEdges:                   "edges",
	kwEndswith:                "endswith",
	kwEndswithCs:              "endswith_cs",
	kwEntityGroup:             "entity_group",
	kwEvaluate:                "evaluate",
	kwExtend:                  "extend",
	kwExternaldata:            "externaldata",
	kwExternalData:            "external_data",
	kwFacet:                   "facet",
	kwFilter:                  "filter",
	kwFind:                    "find",
	kwFirst:                   "first",
	kwFork:                    "fork",
	kwFrom:                    "from",
	kwGetschema:               "getschema",
	kwGrannyAsc:               "granny-asc",
	kwGrannyDesc:              "granny-desc",
	kwGraphMarkComponents:     "graph-mark-components",
	kwGraphMatch:              "graph-match",
	kwGraphShortestPaths:      "graph-shortest-paths",
	kwGraphToTable:            "graph-to-table",
	kwGraphWhereEdges:         "graph-where-edges",
	kwGraphWhereNodes:         "graph-where-nodes",
	kwHas:                     "has",
	kwHasAll:                  "has_all",
	kwHasAny:                  "has_any",
	kwHasCs:                   "has_cs",
	kwHasprefix:               "hasprefix",
	kwHasprefixCs:             "hasprefix_cs",
	kwHassuffix:               "hassuffix",
	kwHassuffixCs:             "hassuffix_cs",
	kwId:                      "id",
	kwIn:                      "in",
	kwInCi:                    "in~",
	kwInlineExternalTable:     "inline_external_table",
	kwInvoke:                  "invoke",
	kwJoin:                    "join",
	kwKind:                    "kind",
	kwLast:                    "last",
	kwLet:                     "let",
	kwLike:                    "like",
	kwLikecs:                  "likecs",
	kwLimit:                   "limit",
	kwLookup:                  "lookup",
	kwMacroExpand:             "macro-expand",
	kwMakeGraph:               "make-graph",
	kwMakeSeries:              "make-series",
	kwMatchesRegex:            "matches regex",
	kwMaterialize:             "materialize",
	kwMaterializedViewCombine: "materialized-view-combine",
	kwMvApply:                 "mv-apply",
	kwMvExpand:                "mv-expand",
	kwMvapply:                 "mvapply",
	kwMvexpand:                "mvexpand",
	kwNodes:                   "nodes",
	kwNotcontains:             "notcontains",
	kwNotcontainscs:           "notcontainscs",
	kwNotlike:                 "notlike",
	kwNotlikecs:               "notlikecs",
	kwNull:                    "null",
	kwNulls:                   "nulls",
	kwOf:                      "of",
	kwOn:                      "on",
	kwOptional:                "optional",
	kwOr:                      "or",
	kwOrder:                   "order",
	kwOthers:                  "others",
	kwOutput:                  "output",
	kwPack:                    "pack",
	kwParse:                   "parse",
	kwParseKv:                 "parse-kv",
	kwParseWhere:              "parse-where",
	kwPartition:               "partition",
	kwPartitionedBy:           "partitioned-by",
	kwPattern:                 "pattern",
	kwPrint:                   "print",
	kwProject:                 "project",
	kwProjectAway:             "project-away",
	kwProjectByNames:          "project-by-names",
	kwProjectKeep:             "project-keep",
	kwProjectRename:           "project-rename",
	kwProjectReorder:          "project-reorder",
	kwProjectSmart:            "project-smart",
	kwQueryParameters:         "query_parameters",
	kwRange:                   "range",
	kwReduce:                  "reduce",
	kwRender:                  "render",
	kwRestrict:                "restrict",
	kwSample:                  "sample",
	kwSampleDistinct:          "sample-distinct",
	kwScan:                    "scan",
	kwSearch:                  "search",
	kwSerialize:               "serialize",
	kwSet:                     "set",
	kwSort:                    "sort",
	kwStartswith:              "startswith",
	kwStartswithCs:            "startswith_cs",
	kwStep:                    "step",
	kwSummarize:               "summarize",
	kwTake:                    "take",
	kwTitle:                   "title",
	kwTo:                      "to",
	kwTop:                     "top",
	kwTopHitters:              "top-hitters",
	kwTopNested:               "top-nested",
	kwToscalar:                "toscalar",
	kwTotable:                 "totable",
	kwTypeof:                  "typeof",
	kwUnion:                   "union",
	kwView:                    "view",
	kwWhere:                   "where",
	kwWith:                    "with",
	kwWithNodeId:              "with_node_id",
	kwWithSource:              "with_source",
	kwWithsource:              "withsource",
}

// keyword tells the kind of a word; tIdent when it is none.
func keyword(s string) kind {
	if len(s) < 2 || len(s) > 27 {
		return tIdent
	}
	switch s {

	case "access":
		return kwAccess
	case "accumulate":
		return kwAccumulate
	case "alias":
		return kwAlias
	case "and":
		return kwAnd
	case "as":
		return kwAs
	case "asc":
		return kwAsc
	case "bagexpansion":
		return kwBagexpansion
	case "between":
		return kwBetween
	case "bin":
		return kwBin
	case "by":
		return kwBy
	case "consume":
		return kwConsume
	case "contains":
		return kwContains
	case "containscs":
		return kwContainscs
	case "contains_cs":
		return kwContainsCs
	case "__contextual_datatable":
		return kwContextualDatatable
	case "count":
		return kwCount
	case "database":
		return kwDatabase
	case "datascope":
		return kwDatascope
	case "datatable":
		return kwDatatable
	case "declare":
		return kwDeclare
	case "default":
		return kwDefault
	case "desc":
		return kwDesc
	case "distinct":
		return kwDistinct
	case "dynamic":
		return kwDynamic
	case "edges":
		return kwEdges
	case "endswith":
		return kwEndswith
	case "endswith_cs":
		return kwEndswithCs
	case "entity_group":
		return kwEntityGroup
	case "evaluate":
		return kwEvaluate
	case "extend":
		return kwExtend
	case "externaldata":
		return kwExternaldata
	case "external_data":
		return kwExternalData
	case "facet":
		return kwFacet
	case "filter":
		return kwFilter
	case "find":
		return kwFind
	case "first":
		return kwFirst
	case "fork":
		return kwFork
	case "from":
		return kwFrom
	case "getschema":
		return kwGetschema
	case "has":
		return kwHas
	case "has_all":
		return kwHasAll
	case "has_any":
		return kwHasAny
	case "has_cs":
		return kwHasCs
	case "hasprefix":
		return kwHasprefix
	case "hasprefix_cs":
		return kwHasprefixCs
	case "hassuffix":
		return kwHassuffix
	case "hassuffix_cs":
		return kwHassuffixCs
	case "id":
		return kwId
	case "in":
		return kwIn
	case "inline_external_table":
		return kwInlineExternalTable
	case "invoke":
		return kwInvoke
	case "join":
		return kwJoin
	case "kind":
		return kwKind
	case "last":
		return kwLast
	case "let":
		return kwLet
	case "like":
		return kwLike
	case "likecs":
		return kwLikecs
	case "limit":
		return kwLimit
	case "lookup":
		return kwLookup
	case "materialize":
		return kwMaterialize
	case "mvapply":
		return kwMvapply
	case "mvexpand":
		return kwMvexpand
	case "nodes":
		return kwNodes
	case "notcontains":
		return kwNotcontains
	case "notcontainscs":
		return kwNotcontainscs
	case "notlike":
		return kwNotlike
	case "notlikecs":
		return kwNotlikecs
	case "null":
		return kwNull
	case "nulls":
		return kwNulls
	case "of":
		return kwOf
	case "on":
		return kwOn
	case "optional":
		return kwOptional
	case "or":
		return kwOr
	case "order":
		return kwOrder
	case "others":
		return kwOthers
	case "output":
		return kwOutput
	case "pack":
		return kwPack
	case "parse":
		return kwParse
	case "partition":
		return kwPartition
	case "pattern":
		return kwPattern
	case "print":
		return kwPrint
	case "project":
		return kwProject
	case "query_parameters":
		return kwQueryParameters
	case "range":
		return kwRange
	case "reduce":
		return kwReduce
	case "render":
		return kwRender
	case "restrict":
		return kwRestrict
	case "sample":
		return kwSample
	case "scan":
		return kwScan
	case "search":
		return kwSearch
	case "serialize":
		return kwSerialize
	case "set":
		return kwSet
	case "sort":
		return kwSort
	case "startswith":
		return kwStartswith
	case "startswith_cs":
		return kwStartswithCs
	case "step":
		return kwStep
	case "summarize":
		return kwSummarize
	case "take":
		return kwTake
	case "title":
		return kwTitle
	case "to":
		return kwTo
	case "top":
		return kwTop
	case "toscalar":
		return kwToscalar
	case "totable":
		return kwTotable
	case "typeof":
		return kwTypeof
	case "union":
		return kwUnion
	case "view":
		return kwView
	case "where":
		return kwWhere
	case "with":
		return kwWith
	case "with_node_id":
		return kwWithNodeId
	case "with_source":
		return kwWithSource
	case "withsource":
		return kwWithsource
	case "__crossCluster", "__crossDB", "__id", "__isFuzzy", "__noWithSource", "__packedColumn", "__sourceColumnIndex", "anomalychart", "areachart", "barchart", "bin_legacy", "cachingpolicy", "callout", "cancel", "card", "columnchart", "cycles", "dataexport", "decodeblocks", "encodingpolicy", "__executeAndCache", "expandoutput", "extent_tags_retention", "flags", "harddelete", "hardretention", "hotcache", "isfuzzy", "force_remote", "journal", "ladderchart", "linechart", "missing", "nooptimization", "piechart", "pivotchart", "__projectAway", "queries", "query_results", "relaxed", "restricted_view_access", "row_level_security", "rowstore", "rowstore_references", "rowstore_sealinfo", "rowstorepolicy", "rowstores", "scatterchart", "seal", "seals", "shards", "simple", "softdelete", "softretention", "stackedareachart", "statistics", "storedqueryresultcontainers", "tablepurge", "timechart", "timeline", "timepivot", "treemap", "unrestrictedviewers", "views", "with_itemindex", "with_match_id", "with_step_name", "writeaheadlog":
		return kwReserved
	case "earliest", "latest", "mdm", "sql", "verbose", "viewers":
		return kwExtended
	case "boolean", "int8", "char", "uint8", "byte", "int16", "uint16", "int", "int32", "uint", "uint32", "long", "int64", "ulong", "uint64", "float", "real", "decimal", "double", "string", "time", "timespan", "date", "datetime", "uniqueid":
		return kwType
	case "bool", "guid":
		return kwTypeName
	}
	return tIdent
}

// compound is a keyword with a hyphen or a dot: its first word, the rest.
type compound struct {
	rest string
	kind kind
}

// compounds are the keywords that begin with a word; of several that match the
// longest is meant, so the longer ones are first.
func compounds(word string) []compound {
	switch word {

	case "assert":
		return compoundsAssert
	case "commands":
		return compoundsCommands
	case "granny":
		return compoundsGranny
	case "graph":
		return compoundsGraph
	case "hint":
		return compoundsHint
	case "macro":
		return compoundsMacro
	case "make":
		return compoundsMake
	case "materialized":
		return compoundsMaterialized
	case "mv":
		return compoundsMv
	case "parse":
		return compoundsParse
	case "partitioned":
		return compoundsPartitioned
	case "project":
		return compoundsProject
	case "sample":
		return compoundsSample
	case "set":
		return compoundsSet
	case "top":
		return compoundsTop
	}
	return nil
}

var (
	compoundsAssert       = []compound{{"-schema", kwAssertSchema}}
	compoundsCommands     = []compound{{"-and-queries", kwReserved}}
	compoundsGranny       = []compound{{"-desc", kwGrannyDesc}, {"-asc", kwGrannyAsc}}
	compoundsGraph        = []compound{{"-mark-components", kwGraphMarkComponents}, {"-shortest-paths", kwGraphShortestPaths}, {"-where-edges", kwGraphWhereEdges}, {"-where-nodes", kwGraphWhereNodes}, {"-to-table", kwGraphToTable}, {"-match", kwGraphMatch}}
	compoundsHint         = []compound{{".progressive_top", kwReserved}, {".num_partitions", kwReserved}, {".distribution", kwReserved}, {".materialized", kwReserved}, {".concurrency", kwReserved}, {".shufflekey", kwReserved}, {".strategy", kwReserved}, {".spread", kwReserved}, {".remote", kwReserved}}
	compoundsMacro        = []compound{{"-expand", kwMacroExpand}}
	compoundsMake         = []compound{{"-series", kwMakeSeries}, {"-graph", kwMakeGraph}}
	compoundsMaterialized = []compound{{"-view-combine", kwMaterializedViewCombine}, {"-views", kwReserved}}
	compoundsMv           = []compound{{"-expand", kwMvExpand}, {"-apply", kwMvApply}}
	compoundsParse        = []compound{{"-where", kwParseWhere}, {"-kv", kwParseKv}}
	compoundsPartitioned  = []compound{{"-by", kwPartitionedBy}}
	compoundsProject      = []compound{{"-by-names", kwProjectByNames}, {"-reorder", kwProjectReorder}, {"-rename", kwProjectRename}, {"-smart", kwProjectSmart}, {"-away", kwProjectAway}, {"-keep", kwProjectKeep}}
	compoundsSample       = []compound{{"-distinct", kwSampleDistinct}}
	compoundsSet          = []compound{{"-or-replace", kwReserved}, {"-or-append", kwReserved}}
	compoundsTop          = []compound{{"-hitters", kwTopHitters}, {"-nested", kwTopNested}}
)
