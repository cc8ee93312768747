// A link to an equation, a word of the glossary or a source shows it before it is followed: on hover and on focus.
// The text comes from this page: from the equation itself, or from the <template> that the build has put at its end.
(() => {
  "use strict";
  const LINKS = ".bd-article a.reference.internal";
  const box = document.createElement("div");
  box.className = "course-preview";
  box.id = "course-preview";
  box.setAttribute("role", "tooltip");
  box.hidden = true;
  let owner = null;
  let timer = 0;

  const store = () => document.getElementById("course-previews")?.content;

  // What a link leads to, as nodes of our own; null when there is nothing to show.
  const content = (link) => {
    const [page, anchor] = (link.getAttribute("href") || "").split("#");
    if (!anchor) return null;
    const holder = document.createElement("div");
    if (link.dataset.source) {
      holder.textContent = link.dataset.source;
      return holder;
    }
    const kept = store()?.querySelector(`[data-for="${CSS.escape(page)}#${CSS.escape(anchor)}"]`);
    const here = page ? null : document.getElementById(anchor);
    const found = kept || (here && here.matches(".math") ? here : null);
    if (!found) return null;
    for (const node of found.childNodes) holder.append(node.cloneNode(true));
    for (const extra of holder.querySelectorAll(".eqno, .headerlink, [id]")) {
      if (extra.matches(".eqno, .headerlink")) extra.remove();
      else extra.removeAttribute("id");
    }
    return holder;
  };

  const place = (link) => {
    const at = link.getClientRects()[0] || link.getBoundingClientRect();
    const width = Math.min(560, document.documentElement.clientWidth - 24);
    box.style.maxWidth = `${width}px`;
    const size = box.getBoundingClientRect();
    const left = Math.max(12, Math.min(at.left, document.documentElement.clientWidth - size.width - 12));
    const below = at.bottom + 6;
    const fits = below + size.height < innerHeight || at.top < size.height + 70; // the page's bar covers the top
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${(fits ? below : at.top - size.height - 6) + scrollY}px`;
  };

  const show = (link) => {
    clearTimeout(timer);
    if (owner === link && !box.hidden) return;
    const inner = content(link);
    if (!inner) return;
    hide();
    owner = link;
    box.replaceChildren(...inner.childNodes);
    box.style.left = box.style.top = "0px"; // measured where nothing squeezes it
    box.hidden = false;
    link.setAttribute("aria-describedby", box.id);
    place(link);
  };
  const hide = () => {
    clearTimeout(timer);
    owner?.removeAttribute("aria-describedby");
    owner = null;
    box.hidden = true;
  };
  const later = (action, wait) => {
    clearTimeout(timer);
    timer = setTimeout(action, wait);
  };

  const start = () => {
    document.body.append(box);
    for (const link of document.querySelectorAll(LINKS)) {
      if (link.title && /references\.html#/.test(link.getAttribute("href"))) {
        link.dataset.source = link.title;
        link.removeAttribute("title");
      }
    }
    const linkOf = (event) => event.target.closest?.(LINKS);
    document.addEventListener("pointerover", (event) => {
      if (event.pointerType === "touch") return;
      const link = linkOf(event);
      if (link) later(() => show(link), 150);
      else if (box.contains(event.target)) clearTimeout(timer);
    });
    document.addEventListener("pointerout", (event) => {
      if (linkOf(event) || box.contains(event.target)) later(hide, 200);
    });
    document.addEventListener("focusin", (event) => {
      const link = linkOf(event);
      if (link?.matches(":focus-visible")) show(link);
    });
    document.addEventListener("focusout", (event) => linkOf(event) && hide());
    document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
