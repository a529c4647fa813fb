package api

import (
	"net/http"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
)

var scoringRoutes = []route{
	{id: "getScoring", whole: true, method: "GET", path: "/api/v1/scoring", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "The points of the priority score, and the program's own", out: is[scoringAnswer](), handle: (*API).scoring},
	{id: "putScoring", method: "PUT", path: "/api/v1/scoring", verb: tocsin.VerbScoringManage, tag: "cases",
		doc: "Changes the points; open incidents are scored anew soon after", in: is[tocsin.Scoring](), status: http.StatusNoContent, handle: (*API).putScoring},
	{id: "resetScoring", method: "DELETE", path: "/api/v1/scoring", verb: tocsin.VerbScoringManage, tag: "cases",
		doc: "Goes back to the program's own points", status: http.StatusNoContent, handle: (*API).resetScoring},
	{id: "previewScoring", method: "POST", path: "/api/v1/scoring/preview", verb: tocsin.VerbScoringManage, tag: "cases",
		doc: "What other points would make of the open incidents; changes nothing", in: is[tocsin.Scoring](), out: is[cases.ScoringPreview](), handle: (*API).previewScoring},
	{id: "listAssetMarks", method: "GET", path: "/api/v1/assets/marks", verb: tocsin.VerbScoringManage, tag: "cases",
		doc: "Assets that are marked critical, privileged, honeytoken or vip", out: is[valueOf[tocsin.MarkedAsset]](), handle: (*API).assetMarks},
	{id: "putAssetMark", method: "POST", path: "/api/v1/assets/marks", verb: tocsin.VerbScoringManage, tag: "cases",
		doc: "Marks an asset by its name", in: is[assetMarkBody](), status: http.StatusNoContent, handle: (*API).putAssetMark},
	{id: "removeAssetMark", method: "DELETE", path: "/api/v1/assets/marks", verb: tocsin.VerbScoringManage, tag: "cases",
		doc: "Takes a mark back", params: []param{query("name", "string", "the asset's name"), query("mark", "string", "critical, privileged, honeytoken or vip")},
		status: http.StatusNoContent, handle: (*API).removeAssetMark},
}

type scoringAnswer struct {
	Scoring  tocsin.Scoring `json:"scoring"`
	Defaults tocsin.Scoring `json:"defaults"`
}

type assetMarkBody struct {
	Name   string           `json:"name"`
	Mark   tocsin.AssetMark `json:"mark"`
	Reason string           `json:"reason"`
}

func (a *API) scoring(w http.ResponseWriter, r *http.Request) error {
	s, err := a.cfg.Cases.Scoring(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, scoringAnswer{s, tocsin.DefaultScoring()})
}

func (a *API) putScoring(w http.ResponseWriter, r *http.Request) error {
	var s tocsin.Scoring
	if err := decodeBody(r, &s); err != nil {
		return err
	}
	if err := a.cfg.Cases.PutScoring(r.Context(), &s); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) resetScoring(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.Cases.PutScoring(r.Context(), nil); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) previewScoring(w http.ResponseWriter, r *http.Request) error {
	var s tocsin.Scoring
	if err := decodeBody(r, &s); err != nil {
		return err
	}
	out, err := a.cfg.Cases.PreviewScoring(r.Context(), s)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) assetMarks(w http.ResponseWriter, r *http.Request) error {
	marks, err := a.cfg.Cases.AssetMarks(r.Context())
	if err != nil {
		return err
	}
	if marks == nil {
		marks = []tocsin.MarkedAsset{}
	}
	return writeJSON(w, http.StatusOK, valueOf[tocsin.MarkedAsset]{marks})
}

func (a *API) putAssetMark(w http.ResponseWriter, r *http.Request) error {
	var in assetMarkBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	if err := a.cfg.Cases.MarkAsset(r.Context(), in.Name, in.Mark, in.Reason, true); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) removeAssetMark(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if err := a.cfg.Cases.MarkAsset(r.Context(), q.Get("name"), tocsin.AssetMark(q.Get("mark")), "", false); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
