// Three views, one at a time. Arrow keys go through the tabs (ARIA Authoring Practices, tabs).
const tabs = [...document.querySelectorAll("[role=tab]")];
const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

export const view = () => tabs.find(({ ariaSelected }) => ariaSelected === "true").id;

export function select(id) {
  const chosen = tabs.find((tab) => tab.id === id) ?? tabs[0];
  for (const tab of tabs) {
    tab.ariaSelected = String(tab === chosen);
    tab.tabIndex = tab === chosen ? 0 : -1;
    panel(tab).hidden = tab !== chosen;
  }
  return chosen;
}

function onKey(event) {
  const at = tabs.indexOf(event.currentTarget);
  const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  select(tabs.at(next % tabs.length).id).focus();
}

for (const tab of tabs) {
  tab.addEventListener("click", () => select(tab.id));
  tab.addEventListener("keydown", onKey);
}
select();
