import { makeStyles, mergeClasses } from "@fluentui/react-components";
import { pieces } from "./hidden";
import { own } from "./theme";

const useStyles = makeStyles({
  text: { overflowWrap: "anywhere" },
  lines: { whiteSpace: "pre-wrap" },
  mark: {
    display: "inline-block",
    marginInline: "2px",
    paddingInline: "3px",
    borderRadius: "3px",
    fontFamily: "monospace",
    fontSize: "0.82em",
    lineHeight: 1.35,
    color: own("hiddenMark"),
    backgroundColor: own("hiddenMarkTint"),
  },
});

interface Props {
  text: string;
  /** Keep line breaks. */
  lines?: boolean;
}

/**
 * Text that an attacker may have written. It is isolated, so that it cannot turn the text around it, and characters
 * that cannot be seen are shown as marks.
 */
export function Untrusted({ text, lines }: Props) {
  const styles = useStyles();
  return (
    <bdi className={mergeClasses(styles.text, lines && styles.lines)}>
      {pieces(text).map((piece, i) =>
        "text" in piece ? (
          piece.text
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text never move
          <span key={i} className={styles.mark} title={`Hidden character ${piece.code}: ${piece.name}`}>
            {piece.code}
          </span>
        ),
      )}
    </bdi>
  );
}
