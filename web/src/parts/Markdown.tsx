import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { Fragment, type ReactNode, useMemo, useState } from "react";
import { type Block, blocksOf, type Inline, pictureIn } from "./markdownTree";
import { Untrusted } from "./Untrusted";

const useStyles = makeStyles({
  body: {
    display: "grid",
    gap: "8px",
    minWidth: 0,
    overflowWrap: "anywhere",
    lineHeight: tokens.lineHeightBase300,
    "& p, & ul, & ol, & h3, & h4": { margin: 0 },
    "& h3, & h4": { fontSize: tokens.fontSizeBase300, fontWeight: tokens.fontWeightSemibold },
    "& ul, & ol": { paddingInlineStart: "22px" },
    "& a": { color: tokens.colorBrandForegroundLink },
    "& code": { fontFamily: tokens.fontFamilyMonospace, fontSize: "12px" },
    "& pre": {
      margin: 0,
      padding: "8px 10px",
      overflowX: "auto",
      backgroundColor: tokens.colorNeutralBackground3,
    },
    "& blockquote": {
      display: "grid",
      gap: "8px",
      margin: 0,
      paddingInlineStart: "12px",
      borderLeft: `3px solid ${tokens.colorNeutralStroke1}`,
    },
    "& hr": { width: "100%", borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
    "& img": { maxWidth: "100%", maxHeight: "480px" },
  },
});

/** Formatted text that somebody wrote. It is built of elements and never of HTML. */
export function Markdown({ text }: { text: string }) {
  const styles = useStyles();
  const blocks = useMemo(() => blocksOf(text), [text]);
  return <div className={styles.body}>{drawAll(blocks)}</div>;
}

// The parts of a text have no names, and a text never changes its order.
function numbered<T>(items: T[], draw: (item: T) => ReactNode): ReactNode[] {
  // biome-ignore lint/suspicious/noArrayIndexKey: see above
  return items.map((each, at) => <Fragment key={at}>{draw(each)}</Fragment>);
}

const drawAll = (blocks: Block[]): ReactNode => numbered(blocks, drawBlock);
const line = (parts: Inline[]): ReactNode => numbered(parts, drawInline);

function drawBlock(block: Block): ReactNode {
  switch (block.kind) {
    case "heading":
      return block.level <= 2 ? <h3>{line(block.parts)}</h3> : <h4>{line(block.parts)}</h4>;
    case "code":
      return (
        <pre>
          <code>{block.text}</code>
        </pre>
      );
    case "quote":
      return <blockquote>{drawAll(block.blocks)}</blockquote>;
    case "list": {
      const items = numbered(block.items, (item) => <li>{line(item)}</li>);
      return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case "rule":
      return <hr />;
    default:
      return <p>{line(block.parts)}</p>;
  }
}

function drawInline(part: Inline): ReactNode {
  switch (part.kind) {
    case "code":
      return <code>{part.text}</code>;
    case "strong":
      return <strong>{line(part.parts)}</strong>;
    case "em":
      return <em>{line(part.parts)}</em>;
    case "strike":
      return <s>{line(part.parts)}</s>;
    case "link":
      return (
        <a href={part.href} target="_blank" rel="noreferrer noopener nofollow" title={part.href}>
          {line(part.parts)}
        </a>
      );
    case "image":
      return pictureIn(part.src) ? (
        <img src={part.src} alt={part.alt} />
      ) : (
        <RemoteImage src={part.src} alt={part.alt} />
      );
    default:
      return <Untrusted text={part.text} lines />;
  }
}

/** A picture elsewhere tells its host who looks, so it is only fetched when somebody asks, in a window of its own. */
function RemoteImage({ src, alt }: { src: string; alt: string }) {
  const [asked, setAsked] = useState(false);
  const host = new URL(src).host;
  if (asked) {
    return (
      <a href={src} target="_blank" rel="noreferrer noopener nofollow">
        Open the picture at {host}
      </a>
    );
  }
  return (
    <Button size="small" onClick={() => setAsked(true)}>
      Picture{alt ? ` “${alt}”` : ""} at {host}
    </Button>
  );
}
