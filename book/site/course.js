// Small repairs to the theme's pages: names that assistive technology can use, and scrolling by keyboard.
(() => {
  "use strict";
  const all = (selector) => document.querySelectorAll(selector);

  // A wide equation, table or program scrolls inside itself; it must be reachable from the keyboard to do so.
  const SCROLLERS = ".bd-article :is(mjx-container[display], pre, .pst-scrollable-table-container, .output.text_html, .course-scroll)";
  const markScrollers = () => {
    for (const element of all(SCROLLERS)) {
      const wide = element.scrollWidth > element.clientWidth;
      if (wide) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  };

  // The sign that opens a list of pages in the sidebar says which list.
  for (const summary of all(".bd-sidebar-primary details > summary")) {
    const of = summary.closest("li")?.querySelector("a")?.textContent.trim();
    summary.setAttribute("aria-label", `Pages under ${of || "this one"}`);
  }

  // The search reads the pages that it found to quote them, which browsers forbid on a disk.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }

  const start = () => {
    markScrollers();
    new ResizeObserver(markScrollers).observe(document.querySelector(".bd-article") || document.body);
    window.MathJax?.startup?.promise?.then(markScrollers);
  };
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start);
})();
