package tocsin

import "slices"

// Verb is one thing that a principal may be allowed to do.
type Verb string

const (
	VerbSession       Verb = "session.self"   // see and end one's own session, change one's own password
	VerbIncidentRead  Verb = "incident.read"  // queue, incident, activity log, change stream
	VerbIncidentWrite Verb = "incident.write" // rename, assign, tag, classify, comment
	VerbAlertRead     Verb = "alert.read"
	VerbAlertWrite    Verb = "alert.write"
	VerbEventRead     Verb = "event.read"   // rows of the hunting tables
	VerbHunt          Verb = "hunt.run"     // ask questions in KQL of the tables that one may read
	VerbIntakeWrite   Verb = "intake.write" // send telemetry
	VerbIntakeRead    Verb = "intake.read"  // counts, quarantine
	VerbRuleRead      Verb = "rule.read"
	VerbRuleManage    Verb = "rule.manage"
	VerbCorrelation   Verb = "correlation.manage" // what joins alerts: exclusions, rules, weights
	VerbUserRead      Verb = "user.read"          // names for assignment
	VerbUserManage    Verb = "user.manage"
	VerbTokenManage   Verb = "token.manage"
	VerbAuditRead     Verb = "audit.read"

	VerbScoringManage     Verb = "scoring.manage"     // the points of the priority score, and what is said of assets
	VerbDeviceGroupManage Verb = "devicegroup.manage" // the rules that put devices into groups
)

// Verbs lists every verb, in the order of documentation.
var Verbs = []Verb{
	VerbSession, VerbIncidentRead, VerbIncidentWrite, VerbAlertRead, VerbAlertWrite, VerbEventRead, VerbHunt,
	VerbIntakeWrite, VerbIntakeRead, VerbRuleRead, VerbRuleManage, VerbCorrelation, VerbUserRead, VerbUserManage,
	VerbTokenManage, VerbAuditRead, VerbScoringManage, VerbDeviceGroupManage,
}

// scopedVerbs are those that mean something within device groups. All others
// speak of the tenant as a whole, so a principal that is limited to device
// groups has none of them, whatever its roles: a verb that is new stays out
// until somebody has thought about it.
var scopedVerbs = []Verb{VerbSession, VerbIncidentRead, VerbIncidentWrite, VerbAlertRead, VerbAlertWrite, VerbEventRead, VerbHunt,
	VerbRuleRead, VerbUserRead}

// Role is a named set of verbs.
type Role string

const (
	RoleAdministrator Role = "administrator"
	RoleOperator      Role = "securityOperator" // Tier 1 and 2: works incidents
	RoleReader        Role = "securityReader"
	RoleDetection     Role = "detectionEngineer" // Tier 3: reads everything, owns the rules
	RoleSender        Role = "telemetrySender"   // a log shipper
	RoleSystem        Role = "system"            // the portal itself; never given to a person
)

// policy is the whole permission table. It is code and not data, so that a
// change of it is reviewed, and a golden file shows every role against every
// verb.
var policy = map[Role][]Verb{
	RoleAdministrator: Verbs,
	RoleSystem:        Verbs,
	RoleReader:        {VerbSession, VerbIncidentRead, VerbAlertRead, VerbEventRead, VerbHunt, VerbIntakeRead, VerbRuleRead, VerbUserRead},
	RoleOperator: {VerbSession, VerbIncidentRead, VerbIncidentWrite, VerbAlertRead, VerbAlertWrite, VerbEventRead, VerbHunt,
		VerbIntakeRead, VerbRuleRead, VerbUserRead},
	RoleDetection: {VerbSession, VerbIncidentRead, VerbIncidentWrite, VerbAlertRead, VerbAlertWrite, VerbEventRead, VerbHunt,
		VerbIntakeRead, VerbRuleRead, VerbRuleManage, VerbCorrelation, VerbUserRead, VerbAuditRead, VerbScoringManage},
	RoleSender: {VerbSession, VerbIntakeWrite},
}

// AssignableRoles are the roles that a person or a token may hold.
var AssignableRoles = []Role{RoleAdministrator, RoleDetection, RoleOperator, RoleReader, RoleSender}

// ValidRole reports whether r may be given to a person or a token.
func ValidRole(r Role) bool { return slices.Contains(AssignableRoles, r) }

// ValidVerb reports whether v is in the table.
func ValidVerb(v Verb) bool { return slices.Contains(Verbs, v) }

// Can reports whether p may do v: one of its roles allows it, for a token with
// scopes one of its scopes names it, and for a principal that is limited to
// device groups v is a thing that can be done within them.
func Can(p Principal, v Verb) bool {
	if p.Tenant == "" || p.ID == "" {
		return false
	}
	if len(p.Scopes) > 0 && v != VerbSession && !slices.Contains(p.Scopes, v) {
		return false
	}
	if p.Scoped() && !slices.Contains(scopedVerbs, v) {
		return false
	}
	for _, r := range p.Roles {
		if slices.Contains(policy[r], v) {
			return true
		}
	}
	return false
}

// Allow is nil when p may do v, and otherwise an Error of CodeForbidden, or of
// CodeUnauthenticated when p is nobody.
func Allow(p Principal, v Verb) error {
	if p.ID == "" {
		return &Error{Code: CodeUnauthenticated, Msg: "sign in first"}
	}
	if !Can(p, v) {
		return &Error{Code: CodeForbidden, Msg: "you do not have the permission " + string(v)}
	}
	return nil
}

// Permissions lists the verbs that p may do.
func Permissions(p Principal) []Verb {
	var out []Verb
	for _, v := range Verbs {
		if Can(p, v) {
			out = append(out, v)
		}
	}
	return out
}
