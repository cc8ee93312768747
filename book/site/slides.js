// Starts a deck: speaker's notes on S, and every slide fits, however much its chapter gave it.
(() => {
  "use strict";
  const [width, height] = [1280, 720];
  // A live figure has its keys while the focus is in it, except those of a presenter's remote control.
  const keyboardCondition = ({ key, target }) => !target?.closest?.("live-figure") || ["PageDown", "PageUp", "Escape"].includes(key);
  Reveal.initialize({ width, height, margin: 0.04, hash: true, center: true, transition: "none", slideNumber: "c/t",
    keyboardCondition, plugins: [RevealNotes] });
  const fit = () => {
    for (const slide of document.querySelectorAll(".reveal .slides > section > .slide")) {
      const shown = slide.parentElement.style.display;
      slide.parentElement.style.display = "block";
      slide.style.zoom = 1;
      const tallness = () => slide.getBoundingClientRect().height / Reveal.getScale();
      const live = slide.querySelector("live-figure");
      for (let zoom = 2; live && zoom > 0.6; zoom -= 0.05) { // the largest letters with which all of it is seen
        live.style.zoom = zoom;
        if (tallness() <= height - 24 && live.scrollWidth <= live.clientWidth + 6) break;
      }
      const wide = Math.max(...[slide, ...slide.querySelectorAll("pre, table, mjx-container")].map((part) => part.scrollWidth));
      let zoom = Math.min(1.3, width / wide);
      for (let i = 0; i < 6; i++) { // another size breaks the lines elsewhere: look again
        slide.style.zoom = zoom;
        const tall = tallness();
        if (tall <= height - 30) break;
        zoom *= Math.min(0.97, (height - 40) / tall);
      }
      slide.parentElement.style.display = shown;
    }
    Reveal.layout();
    document.documentElement.dataset.fitted = "yes";
  };
  Reveal.on("ready", () => document.fonts.ready.then(fit));
})();
