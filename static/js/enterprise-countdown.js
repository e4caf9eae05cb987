// <strong data-countdown="MS" data-left="# left" data-over="any moment">: the time that is left until MS, which is block
// time and so about the reader's, in place of #. Counts in whole seconds and says data-over once it is past.

function left(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)} h` : `${minutes}:${two(seconds % 60)} min`;
}

function count() {
  for (const element of document.querySelectorAll("[data-countdown]")) {
    const rest = Number(element.dataset.countdown) - Date.now();
    const text = rest > 0 ? (element.dataset.left ?? "#").replace("#", left(rest)) : element.dataset.over;
    if (element.textContent !== text) element.textContent = text;
  }
}

count();
setInterval(count, 1000);
document.body.addEventListener("htmx:afterSwap", count);
