// Light, dark, or as the system has it.

const KEY = "theme";

export const theme = () => localStorage.getItem(KEY) ?? "auto";

/** Have the page look as chosen. */
export function applyTheme() {
  document.documentElement.dataset.theme = theme();
}

/** Choose: auto, light or dark. */
export function setTheme(value) {
  localStorage.setItem(KEY, value);
  applyTheme();
}
