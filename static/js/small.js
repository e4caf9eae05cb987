// Toasts, copying, the menu that closes after a choice, forms that submit when a filter changes.

const TOAST_MS = 7000;

export function toastsIn(root) {
  const found = root.matches?.("[data-toast]") ? [root] : root.querySelectorAll("[data-toast]");
  for (const toast of found) {
    if (toast.dataset.tone !== "bad") setTimeout(() => toast.remove(), TOAST_MS);
  }
}

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  button.dataset.copied = "";
  const before = button.title;
  button.title = "Copied";
  setTimeout(() => {
    delete button.dataset.copied;
    button.title = before;
  }, 1500);
}

export function startSmallThings() {
  document.addEventListener("click", (event) => {
    const dismiss = event.target.closest("[data-dismiss]");
    if (dismiss) dismiss.closest("[data-toast]").remove();
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    if (event.target.closest("[data-print]")) window.print();
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
}
