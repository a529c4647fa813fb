package api

import (
	"net/http"
	"strconv"

	"github.com/tocsinhq/tocsin"
)

type deviceGroupBody struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Rank        int               `json:"rank,omitempty"` // from 1; 0: stays, or behind all others
	Rule        tocsin.DeviceRule `json:"rule"`
	Level       string            `json:"remediationLevel,omitempty"`
}

type deviceGroupsAnswer struct {
	Value     []tocsin.DeviceGroup `json:"value"`
	Ungrouped int64                `json:"ungroupedDevices"`
	Sorting   bool                 `json:"sorting"` // devices are being put into groups anew
	Sorted    int64                `json:"sorted"`  // how many were so far
}

type deviceMatches struct {
	Value    []tocsin.Device `json:"value"`
	Matching int64           `json:"matching"`
	Known    int64           `json:"known"`
}

func (a *API) deviceGroups(w http.ResponseWriter, r *http.Request) error {
	found, err := a.cfg.Cases.DeviceGroups(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, deviceGroupsAnswer{orNone(found.Groups), found.Ungrouped, found.Regroup.Running, found.Regroup.Done})
}

func (b *deviceGroupBody) group(id int64) tocsin.DeviceGroup {
	return tocsin.DeviceGroup{ID: id, Rank: b.Rank, Name: b.Name, Description: b.Description, Rule: b.Rule, Level: tocsin.RemediationLevel(b.Level)}
}

func (a *API) createDeviceGroup(w http.ResponseWriter, r *http.Request) error {
	var b deviceGroupBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	g, err := a.cfg.Cases.CreateDeviceGroup(r.Context(), b.group(0))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, g)
}

func deviceGroupID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, tocsin.Errorf(tocsin.CodeNotFound, "there is no device group %s", r.PathValue("id"))
	}
	return id, nil
}

func (a *API) updateDeviceGroup(w http.ResponseWriter, r *http.Request) error {
	id, err := deviceGroupID(r)
	if err != nil {
		return err
	}
	var b deviceGroupBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	g, err := a.cfg.Cases.UpdateDeviceGroup(r.Context(), b.group(id))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, g)
}

func (a *API) deleteDeviceGroup(w http.ResponseWriter, r *http.Request) error {
	id, err := deviceGroupID(r)
	if err != nil {
		return err
	}
	if err := a.cfg.Cases.DeleteDeviceGroup(r.Context(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) matchDevices(w http.ResponseWriter, r *http.Request) error {
	var rule tocsin.DeviceRule
	if err := decodeBody(r, &rule); err != nil {
		return err
	}
	found, matching, known, err := a.cfg.Cases.MatchDevices(r.Context(), rule)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, deviceMatches{orNone(found), matching, known})
}

var deviceRoutes = []route{
	{id: "listDeviceGroups", method: "GET", path: "/api/v1/devicegroups", verb: tocsin.VerbIncidentRead, tag: "admin",
		doc: "Device groups in their order; who is limited to some sees those", out: is[deviceGroupsAnswer](), handle: (*API).deviceGroups},
	{id: "createDeviceGroup", method: "POST", path: "/api/v1/devicegroups", verb: tocsin.VerbDeviceGroupManage, tag: "admin",
		doc: "Makes a device group and puts the devices into groups anew", in: is[deviceGroupBody](), out: is[tocsin.DeviceGroup](), status: http.StatusCreated,
		handle: (*API).createDeviceGroup},
	{id: "updateDeviceGroup", method: "PUT", path: "/api/v1/devicegroups/{id}", verb: tocsin.VerbDeviceGroupManage, tag: "admin",
		doc: "Changes a device group, its rank included, and puts the devices into groups anew", in: is[deviceGroupBody](), out: is[tocsin.DeviceGroup](),
		handle: (*API).updateDeviceGroup},
	{id: "deleteDeviceGroup", method: "DELETE", path: "/api/v1/devicegroups/{id}", verb: tocsin.VerbDeviceGroupManage, tag: "admin",
		doc: "Removes a device group; its devices go to the next whose rule takes them", status: http.StatusNoContent, handle: (*API).deleteDeviceGroup},
	{id: "matchDevices", method: "POST", path: "/api/v1/devicegroups/match", verb: tocsin.VerbDeviceGroupManage, tag: "admin",
		doc: "Which known devices a rule would take", in: is[tocsin.DeviceRule](), out: is[deviceMatches](), handle: (*API).matchDevices},
}

// orNone is a list that is there in JSON also when it is empty.
func orNone[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}
