// <time datetime data-time="relative|datetime|date|time">: in the reader's zone (the account's, or the browser's own).

const zone = document.documentElement.dataset.timeZone || undefined;
const forms = {
  datetime: { dateStyle: "medium", timeStyle: "short" },
  date: { dateStyle: "medium" },
  time: { timeStyle: "short" },
  full: { dateStyle: "full", timeStyle: "long" },
};
const made = Object.fromEntries(
  Object.entries(forms).map(([name, form]) => [name, new Intl.DateTimeFormat("en-GB", { ...form, timeZone: zone })]),
);
const relative = new Intl.RelativeTimeFormat("en-GB", { numeric: "auto", style: "short" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60]];

export function formatTime(moment, form) {
  return made[form].format(moment);
}

function ago(moment) {
  const seconds = (moment - Date.now()) / 1000;
  if (Math.abs(seconds) < 45) return seconds > 5 ? "in a moment" : "just now";
  if (Math.abs(seconds) > 7 * 86400) return made.date.format(moment);
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["minute", 60];
  return relative.format(Math.round(seconds / length), unit);
}

export function timesIn(root) {
  const found = [...root.querySelectorAll("time[data-time]")];
  if (root instanceof Element && root.matches("time[data-time]")) found.push(root);
  for (const element of found) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const form = element.dataset.time;
    const text = form === "relative" ? ago(moment) : made[form in made ? form : "datetime"].format(moment);
    if (element.textContent !== text) element.textContent = text;
    element.title = made.full.format(moment);
  }
}

export function startTimes() {
  timesIn(document);
  setInterval(() => timesIn(document), 15000);
}
