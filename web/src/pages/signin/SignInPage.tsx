import {
  Button,
  Field,
  Input,
  MessageBar,
  MessageBarBody,
  makeStyles,
  Spinner,
  tokens,
} from "@fluentui/react-components";
import { useEffect, useState } from "react";
import { ApiError } from "../../api/client";
import { useSignIn } from "../../api/session";
import { EyeOffRegular, EyeRegular } from "../../parts/icons";
import { Logo } from "../../parts/Logo";
import { messageOf } from "../../parts/states";
import { own } from "../../parts/theme";
import { useTitle } from "../../parts/useTitle";

const useStyles = makeStyles({
  page: {
    display: "grid",
    placeItems: "center",
    minHeight: "100dvh",
    padding: "24px 16px",
    backgroundColor: own("bar"),
    backgroundImage:
      "radial-gradient(90ch 60ch at 85% -10%, rgba(0,137,173,0.55), transparent 70%), radial-gradient(70ch 50ch at -10% 110%, rgba(0,102,139,0.5), transparent 70%)",
  },
  card: {
    width: "100%",
    maxWidth: "400px",
    padding: "40px 36px 36px",
    borderRadius: "12px",
    backgroundColor: own("surface"),
    boxShadow: tokens.shadow64,
    "@media (max-width: 480px)": { padding: "32px 24px 28px" },
  },
  brand: {
    display: "flex",
    alignItems: "center",
    gap: "12px",
    marginBottom: "28px",
    fontSize: tokens.fontSizeBase600,
    fontWeight: tokens.fontWeightSemibold,
  },
  mark: {
    display: "grid",
    placeItems: "center",
    width: "44px",
    height: "44px",
    borderRadius: "10px",
    color: "#ffffff",
    backgroundColor: "#00668b",
    "& svg": { "--bar": "#00668b" },
  },
  title: {
    fontSize: tokens.fontSizeBase500,
    lineHeight: tokens.lineHeightBase500,
    fontWeight: tokens.fontWeightSemibold,
  },
  hint: { marginTop: "4px", marginBottom: "20px", color: tokens.colorNeutralForeground3 },
  form: { display: "grid", gap: "16px" },
  submit: { marginTop: "8px" },
});

export default function SignInPage() {
  const styles = useStyles();
  useTitle("Sign in");
  const signIn = useSignIn();
  const [userName, setUserName] = useState("");
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  const wait = useCountdown(signIn.error);
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <div className={styles.brand}>
          <span className={styles.mark}>
            <Logo size={28} />
          </span>
          Tocsin
        </div>
        <h1 className={styles.title}>Sign in</h1>
        <p className={styles.hint}>Incident response portal</p>
        <form
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault();
            if (!signIn.isPending && wait === 0) signIn.mutate({ userName: userName.trim(), password });
          }}
        >
          {signIn.isError && (
            <MessageBar intent="error" layout="multiline">
              <MessageBarBody>{explain(signIn.error, wait)}</MessageBarBody>
            </MessageBar>
          )}
          <Field label="User name" required>
            <Input
              size="large"
              name="username"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              autoFocus
              value={userName}
              onChange={(_, data) => setUserName(data.value)}
            />
          </Field>
          <Field label="Password" required>
            <Input
              size="large"
              name="password"
              type={shown ? "text" : "password"}
              autoComplete="current-password"
              value={password}
              onChange={(_, data) => setPassword(data.value)}
              contentAfter={
                <Button
                  appearance="transparent"
                  size="small"
                  icon={shown ? <EyeOffRegular /> : <EyeRegular />}
                  aria-label={shown ? "Hide what was typed" : "Show what was typed"}
                  onClick={() => setShown(!shown)}
                />
              }
            />
          </Field>
          <Button
            className={styles.submit}
            size="large"
            appearance="primary"
            type="submit"
            disabled={wait > 0}
            disabledFocusable={signIn.isPending}
          >
            {signIn.isPending ? <Spinner size="tiny" label="Signing in" /> : "Sign in"}
          </Button>
        </form>
      </div>
    </main>
  );
}

function explain(error: unknown, wait: number): string {
  if (error instanceof ApiError && error.status === 401) return "The user name or the password is not right.";
  if (error instanceof ApiError && error.status === 429) {
    return wait > 0
      ? `Too many attempts. You can try again in ${wait} second${wait === 1 ? "" : "s"}.`
      : "Too many attempts. You can try again now.";
  }
  return messageOf(error);
}

/** Seconds left of the wait that the server asked for. */
function useCountdown(error: unknown): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const asked = error instanceof ApiError && error.status === 429 ? (error.retryAfter ?? 30) : 0;
    setLeft(asked);
    if (asked === 0) return;
    const until = Date.now() + asked * 1000;
    const timer = setInterval(() => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1000))), 500);
    return () => clearInterval(timer);
  }, [error]);
  return left;
}
