// <strong data-countdown="ISO time" data-over="a moment">: the time that is left, in whole seconds, or data-over once it is past.

function left(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor((seconds % 86400) / 3600), Math.floor((seconds % 3600) / 60)];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return `${minutes}:${String(seconds % 60).padStart(2, "0")} min`;
}

function count() {
  for (const element of document.querySelectorAll("[data-countdown]")) {
    const due = new Date(element.dataset.countdown);
    const text = due > Date.now() ? left(due - Date.now()) : element.dataset.over;
    if (element.textContent !== text) element.textContent = text;
  }
}

count();
setInterval(count, 1000);
document.body.addEventListener("htmx:afterSettle", count);
