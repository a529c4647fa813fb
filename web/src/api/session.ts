import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, call, setCsrfToken } from "./client";
import type { Session } from "./types";

const sessionKey = ["session"];

async function readSession(): Promise<Session | null> {
  try {
    const session = await call<Session>("GET", "/api/v1/session", { expectSignedOut: true });
    setCsrfToken(session.csrfToken);
    return session;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

/** Who is signed in; null when nobody is. */
export function useSession() {
  return useQuery({ queryKey: sessionKey, queryFn: readSession, staleTime: Number.POSITIVE_INFINITY, retry: false });
}

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (credentials: { userName: string; password: string }) =>
      call<Session>("POST", "/api/v1/session", { body: credentials, expectSignedOut: true }),
    onSuccess: (session) => {
      setCsrfToken(session.csrfToken);
      // A session that ran out leaves its answers behind, and the next person may be somebody else.
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
      client.setQueryData(sessionKey, session);
    },
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      try {
        await call<void>("DELETE", "/api/v1/session", { expectSignedOut: true });
      } catch (error) {
        // Somebody who is not signed in any more has what they wanted; after any other failure the cookie still works.
        if (!(error instanceof ApiError && error.status === 401)) throw error;
      }
    },
    onSuccess: () => {
      setCsrfToken("");
      client.setQueryData(sessionKey, null);
      // Nothing that the last person saw may stay in memory for the next one.
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
    },
  });
}

export function useChangePassword() {
  const client = useQueryClient();
  return useMutation({
    // The server starts a new session with a token of its own; without reading it, every later change would be refused.
    onSuccess: () => client.invalidateQueries({ queryKey: sessionKey }),
    mutationFn: (body: { current: string; new: string }) =>
      call<void>("POST", "/api/v1/session/password", { body, expectSignedOut: true }),
  });
}

/** Whether the signed-in person may do something, by the server's own list. */
export function useCan(permission: string): boolean {
  const { data } = useSession();
  return data?.user.permissions.includes(permission) ?? false;
}
