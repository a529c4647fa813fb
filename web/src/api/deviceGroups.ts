import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "./client";

export interface DeviceCondition {
  field: "name" | "domain" | "osPlatform" | "tag";
  operator: "equals" | "startsWith" | "endsWith" | "contains";
  value: string;
}

export interface DeviceRule {
  any: boolean;
  conditions: DeviceCondition[];
}

/** What people say of a device group. */
export interface DeviceGroupBody {
  name: string;
  description?: string;
  /** From 1, the first to be asked; left out it stays, or goes behind all others. */
  rank?: number;
  rule: DeviceRule;
  remediationLevel: string;
}

export interface DeviceGroup extends DeviceGroupBody {
  id: number;
  rank: number;
  devices: number;
}

export interface Device {
  id: number;
  name: string;
  domain?: string;
  osPlatform?: string;
  tags?: string[];
}

interface DeviceGroups {
  value: DeviceGroup[];
  ungroupedDevices: number;
  sorting: boolean;
  sorted: number;
}

const path = "/api/v1/devicegroups";
const key = ["deviceGroups"];

/** The groups in their order; asked again each second while devices are being put into them anew. */
export function useDeviceGroups() {
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) => call<DeviceGroups>("GET", path, { signal }),
    refetchInterval: (q) => (q.state.data?.sorting ? 1000 : false),
  });
}

export function usePutDeviceGroup() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, body }: { id?: number; body: DeviceGroupBody }) =>
      id === undefined
        ? call<DeviceGroup>("POST", path, { body })
        : call<DeviceGroup>("PUT", `${path}/${id}`, { body }),
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
}

export function useDeleteDeviceGroup() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) => call("DELETE", `${path}/${id}`),
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
}

export function useMatchDevices() {
  return useMutation({
    mutationFn: (rule: DeviceRule) =>
      call<{ value: Device[]; matching: number; known: number }>("POST", `${path}/match`, { body: rule }),
  });
}
