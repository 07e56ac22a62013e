// Small comforts: relative times, toasts, the search shortcut, one submit per press.

const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [Infinity, "day", 86400]];
const words = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

function relative(date) {
  const seconds = Math.round((date - Date.now()) / 1000);
  if (Math.abs(seconds) < 2) return "now";
  const [, unit, size] = STEPS.find(([limit]) => Math.abs(seconds) < limit);
  return words.format(Math.trunc(seconds / size), unit);
}

function tellTimes() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const date = new Date(time.dateTime);
    const text = relative(date);
    const place = time.querySelector("[data-relative-text]");
    if (place && place.textContent !== text) place.textContent = text;
    if (!time.title) time.title = `${local.format(date)} where you are`;
  }
}

function toast(text, tone) {
  const region = document.querySelector("#toasts");
  const shown = document.querySelector("#toast-template").content.cloneNode(true);
  shown.querySelector(".toast").dataset.tone = tone;
  shown.querySelector("p").textContent = text;
  region.append(shown);
}

// What went well takes itself away, unless somebody is at it; what went wrong stays.
function dismissLater(shown) {
  if (shown.dataset.tone !== "success") return;
  setTimeout(() => (shown.matches(":hover, :focus-within") ? dismissLater(shown) : shown.remove()), 8000);
}

document.querySelectorAll(".toast").forEach(dismissLater);
document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".toast").remove();
});

// Keys that are one letter or sign can be switched off (WCAG 2.1.4): whoever speaks to the machine,
// or brushes a key, would press them unawares. Remembered in a cookie, as the colours are.
const keysToggle = document.querySelector("[data-keys-toggle]");
const keysAreOff = () => document.documentElement.dataset.keys === "off";

function showKeys() {
  if (!keysToggle) return;
  keysToggle.hidden = !document.querySelector("[data-search], [data-key]");
  keysToggle.textContent = `Keys: ${keysAreOff() ? "off" : "on"}`;
}

keysToggle?.addEventListener("click", () => {
  if (keysAreOff()) delete document.documentElement.dataset.keys;
  else document.documentElement.dataset.keys = "off";
  document.cookie = `keys=off; path=/; max-age=${keysAreOff() ? 31536000 : 0}; samesite=lax`;
  showKeys();
});
showKeys();

document.addEventListener("keydown", (event) => {
  if (keysAreOff()) return;
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.querySelector("[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// A second press while the first is under way is not sent. The server would answer it with the same
// result (each form carries a key); this only spares the reader the doubt.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

document.body.addEventListener("htmx:responseError", (event) => {
  if (event.detail.requestConfig?.triggeringEvent?.type === "live") return;
  toast(`That did not work: the server answered ${event.detail.xhr.status}.`, "error");
});
document.body.addEventListener("htmx:afterSwap", tellTimes);
setInterval(tellTimes, 1000);
tellTimes();
