// Light, dark, or as the system has it. Kept in a cookie, so that the server writes the page in the
// chosen colours at once and nothing flashes.

const NEXT = { system: "light", light: "dark", dark: "system" };
const root = document.documentElement;

function show(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    const label = `Colours: ${theme}. Change to ${NEXT[theme]}.`;
    button.setAttribute("aria-label", label);
    button.title = label;
  }
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const theme = NEXT[root.dataset.theme ?? "system"];
  const age = theme === "system" ? 0 : 31536000;
  document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax`;
  show(theme);
});

show(root.dataset.theme ?? "system");
