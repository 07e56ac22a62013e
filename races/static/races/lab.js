// Keys for what the page's links do. Without this script every link still works.
//
// A link with `data-key` is followed when that key is pressed; not while something is being typed,
// and not together with Ctrl, Alt or Meta, which belong to the browser. Letters can be switched off
// (page.js).

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key.length === 1 && document.documentElement.dataset.keys === "off") return;
  const link = document.querySelector(`a[data-key="${CSS.escape(key)}"]`);
  if (!link || link.getAttribute("aria-disabled") === "true") return;
  event.preventDefault();
  link.click();
});

// The present step stays in sight while one steps.
function follow() {
  const row = document.querySelector(".board [aria-current=step]");
  row?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

document.body.addEventListener("htmx:afterSettle", follow);
