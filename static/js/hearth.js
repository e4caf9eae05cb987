// Every page's script: each part looks for its own marks and works again on what htmx brings in.
import { chartsIn } from "./charts.js";
import { startLive } from "./live.js";
import { startSmallThings, toastsIn } from "./small.js";
import { startTheme } from "./theme.js";
import { startTimes, timesIn } from "./time.js";

startTheme();
startTimes();
startSmallThings();
startLive();
chartsIn(document);
toastsIn(document);

document.body.addEventListener("htmx:load", (event) => {
  timesIn(event.detail.elt);
  toastsIn(event.detail.elt);
});
document.body.addEventListener("htmx:afterSettle", () => chartsIn(document));
