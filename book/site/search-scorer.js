// How Sphinx's search orders what it found. What a title says counts most, then what the course teaches: chapters before
// the glossary and the lists. Sphinx puts this file into its searchtools.js.
var Scorer = {
  score: ([page, title, , , score]) => {
    const stemmer = new Stemmer();
    const stems = (text) => (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) || []).map((word) => stemmer.stemWord(word));
    const asked = stems(new URLSearchParams(location.search).get("q") || "").filter((stem) => !stopwords.includes(stem));
    const inTitle = (text) => asked.filter((stem) => stems(text).includes(stem)).length / Math.max(asked.length, 1);
    const [chapter, ...sections] = title.split(" > ");
    const place = /\/\d\d_/.test(page) ? 20 : /\/(api|lectures|references)/.test(page) ? -20 : /\/glossary/.test(page) ? -35 : 0;
    return score + place + 40 * inTitle(chapter) + (sections.length ? 15 * inTitle(sections.at(-1)) : 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
