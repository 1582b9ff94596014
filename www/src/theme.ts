// Light, dark, or as the system says: the one thing that the console writes to local storage.

const KEY = "symbolon-theme";
export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export function theme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.find((one) => one === kept) ?? "auto";
  } catch {
    return "auto";
  }
}

export function setTheme(chosen: Theme): void {
  try {
    if (chosen === "auto") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, chosen);
  } catch {
    // Without storage it holds until the page is left.
  }
  applyTheme(chosen);
}

export function applyTheme(chosen: Theme = theme()): void {
  if (chosen === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}
