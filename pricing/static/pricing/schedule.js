// Comforts of the form: the label follows the choice, chips fill in a time, and each time is told in
// the reader's own zone, so that nobody has to guess what UTC means for them.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const target = document.querySelector("#id_target");

function read(written) {
  let text = written.trim().replace(/\s*UTC$/, "Z");
  if (!text) return null;
  if (!/(Z|[+-]\d\d:?\d\d)$/i.test(text.slice(10))) text += text.length > 10 ? "Z" : "T00:00Z";
  const moment = new Date(text.replace(/^(\S{10}) /, "$1T"));
  return Number.isNaN(moment.valueOf()) ? undefined : moment;
}

function tell(input) {
  const moment = read(input.value);
  const hint = input.parentElement.querySelector(".local-time");
  if (moment === null) hint.textContent = "";
  else if (moment === undefined) hint.textContent = "Not a time yet.";
  else hint.textContent = `${local.format(moment)} in ${zone}`;
}

for (const input of document.querySelectorAll("[data-moment]")) {
  const hint = document.createElement("div");
  hint.className = "local-time help";
  hint.setAttribute("role", "status");
  input.after(hint);
  input.addEventListener("input", () => tell(input));
  tell(input);
}

for (const chips of document.querySelectorAll("[data-fill]")) {
  const input = document.getElementById(chips.dataset.fill);
  chips.hidden = false;
  chips.addEventListener("click", (event) => {
    const { seconds } = event.target.dataset;
    if (seconds === undefined) return;
    const moment = new Date(Date.now() + Number(seconds) * 1000);
    input.value = seconds ? moment.toISOString().slice(0, 19).replace("T", " ") : "";
    tell(input);
  });
}

function nameTarget() {
  const isCategory = document.querySelector("[name=scope]:checked")?.value === "category";
  document.querySelector(`label[for="${target.id}"]`).textContent = isCategory ? "Category" : "SKU";
  if (isCategory) target.setAttribute("list", "categories");
  else target.removeAttribute("list");
}

document.addEventListener("change", (event) => {
  if (event.target.name === "scope") nameTarget();
});
nameTarget();
