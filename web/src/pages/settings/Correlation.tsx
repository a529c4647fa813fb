import { makeStyles } from "@fluentui/react-components";
import { Exclusions } from "./Exclusions";
import { RuleChoices } from "./RuleChoices";

const useStyles = makeStyles({ stack: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "16px" } });

/** What joins alerts into incidents, as far as people decide it. */
export default function Correlation() {
  const styles = useStyles();
  return (
    <div className={styles.stack}>
      <Exclusions />
      <RuleChoices />
    </div>
  );
}
