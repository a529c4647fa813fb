import { Checkbox, makeStyles, tokens } from "@fluentui/react-components";
import { plainText } from "./hidden";

const useStyles = makeStyles({
  set: { border: "none", margin: 0, padding: 0, minWidth: 0 },
  legend: { padding: 0, fontWeight: tokens.fontWeightSemibold },
  grid: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fill, minmax(min(200px, 100%), 1fr))",
    "& label": { minWidth: 0, overflowWrap: "anywhere" },
  },
});

interface Props {
  legend: string;
  /** Value to words. */
  options: Record<string, string>;
  chosen: string[];
  onChange: (chosen: string[]) => void;
}

/** A set of things to tick, any number of them. */
export function Choices({ legend, options, chosen, onChange }: Props) {
  const styles = useStyles();
  return (
    <fieldset className={styles.set}>
      <legend className={styles.legend}>{legend}</legend>
      <div className={styles.grid}>
        {Object.entries(options).map(([value, words]) => (
          <Checkbox
            key={value}
            label={plainText(words)}
            checked={chosen.includes(value)}
            onChange={(_, data) =>
              onChange(data.checked ? [...chosen, value] : chosen.filter((each) => each !== value))
            }
          />
        ))}
      </div>
    </fieldset>
  );
}
