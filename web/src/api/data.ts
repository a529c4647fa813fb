import { useQuery } from "@tanstack/react-query";
import { call } from "./client";
import type { Intake, Quarantine } from "./types";

// Telemetry flows without leaving a line in the change stream (it would be one per event), so these two are asked
// again while somebody looks.
const lookAgain = 10_000;

export function useIntake() {
  return useQuery({
    queryKey: ["intake"],
    queryFn: ({ signal }) => call<Intake>("GET", "/api/v1/intake", { signal }),
    refetchInterval: lookAgain,
  });
}

export function useQuarantine() {
  return useQuery({
    queryKey: ["quarantine"],
    queryFn: ({ signal }) => call<Quarantine>("GET", "/api/v1/quarantine", { signal }),
    refetchInterval: lookAgain,
  });
}
