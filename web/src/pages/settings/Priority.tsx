import { makeStyles } from "@fluentui/react-components";
import { useCan } from "../../api/session";
import { Marks } from "./Marks";
import { Points } from "./Points";

const useStyles = makeStyles({ stack: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: "16px" } });

/** How urgent incidents are: the points, and what people say of assets. */
export default function Priority() {
  const styles = useStyles();
  const may = useCan("scoring.manage");
  return (
    <div className={styles.stack}>
      <Points />
      {may && <Marks />}
    </div>
  );
}
