// Starts a deck: speaker's notes on S, and every slide fits, however much its chapter gave it.
(() => {
  "use strict";
  const [width, height] = [1280, 720];
  Reveal.initialize({ width, height, margin: 0.04, hash: true, center: true, transition: "none", slideNumber: "c/t", plugins: [RevealNotes] });
  const fit = () => {
    for (const slide of document.querySelectorAll(".reveal .slides > section > .slide")) {
      const shown = slide.parentElement.style.display;
      slide.parentElement.style.display = "block";
      slide.style.zoom = 1;
      const wide = Math.max(...[slide, ...slide.querySelectorAll("pre, table, mjx-container")].map((part) => part.scrollWidth));
      let zoom = Math.min(1.3, width / wide);
      for (let i = 0; i < 6; i++) { // another size breaks the lines elsewhere: look again
        slide.style.zoom = zoom;
        const tall = slide.getBoundingClientRect().height / Reveal.getScale();
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
