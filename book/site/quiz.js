// The quizzes: how far the reader is, and questions that ask for a number. All works without this script as well: the
// answers are <details>. What was opened is kept in this browser (localStorage) and sent nowhere.
(() => {
  "use strict";
  const key = `course-quiz:${location.pathname.split("/").pop()}`;
  const read = () => {
    try { return JSON.parse(localStorage.getItem(key)) || {}; } catch { return {}; }
  };
  const write = (opened) => {
    try { localStorage.setItem(key, JSON.stringify(opened)); } catch { /* a browser that keeps nothing */ }
  };

  // Answers that stand one after the other belong to one question.
  const questions = () => {
    const groups = [];
    let last = null;
    for (const answer of document.querySelectorAll("details.quiz")) {
      const home = answer.closest(".quiz-number");
      const same = last && (home ? home === last.closest(".quiz-number") : last.nextElementSibling === answer);
      if (!same) groups.push([]);
      groups.at(-1).push(answer);
      last = answer;
    }
    return groups;
  };

  const start = () => {
    const groups = questions();
    if (!groups.length) return;
    let opened = read();
    const line = document.createElement("p");
    line.className = "quiz-progress";
    line.setAttribute("role", "status");
    const forget = document.createElement("button");
    forget.type = "button";
    forget.textContent = "Start again";
    const say = () => {
      const tried = groups.filter((group, q) => (opened[q] || []).length);
      const first = groups.filter((group, q) => opened[q]?.length && group[opened[q][0]]?.classList.contains("right"));
      line.firstChild.data = `${tried.length} of ${groups.length} questions answered, ${first.length} right at the first try. `;
      forget.hidden = !tried.length;
    };
    const note = (q, which) => {
      opened[q] = opened[q] || [];
      if (!opened[q].includes(which)) opened[q].push(which);
      write(opened);
      say();
    };
    line.append("", forget);
    forget.addEventListener("click", () => {
      opened = {};
      write(opened);
      for (const answer of groups.flat()) answer.open = false;
      say();
    });
    groups.forEach((group, q) => group.forEach((answer, which) => {
      answer.addEventListener("toggle", () => answer.open && note(q, which));
    }));
    const head = groups[0][0].closest("section").querySelector("h2, h3");
    if (head) head.after(line);
    say();
    for (const box of document.querySelectorAll(".quiz-number")) askForNumber(box);
  };

  // "1,234.5", "1 234", "3/4", "12 %" -> a number, or NaN.
  const parse = (text) => {
    const plain = text.trim().replace(/[,\s_](?=\d{3}\b)/g, "").replace(",", ".").replace("\u2212", "-");
    const part = plain.match(/^([-+.\de]+)\s*\/\s*([-+.\de]+)$/i);
    if (part) return Number(part[1]) / Number(part[2]);
    const percent = plain.match(/^([-+.\de]+)\s*%$/i);
    return percent ? Number(percent[1]) / 100 : plain ? Number(plain) : NaN;
  };
  const near = (value, choice) => Math.abs(value - Number(choice.dataset.value)) <= Number(choice.dataset.within) + 1e-12;

  const askForNumber = (box) => {
    const form = document.createElement("form");
    form.innerHTML = '<label>Your number <input inputmode="decimal" autocomplete="off" size="12"></label> <button>Check</button> <output></output>';
    const [input, output] = [form.querySelector("input"), form.querySelector("output")];
    const choices = [...box.querySelectorAll("details.quiz")];
    const hint = box.querySelector(".quiz-hint");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const value = parse(input.value);
      const met = choices.find((choice) => near(value, choice));
      output.textContent = Number.isNaN(value) ? "Write a number, such as 12, 0.25 or 3/4." : met ? "" : hint?.textContent || "No. Try again, or open the answer.";
      if (met) met.open = true;
    });
    choices[0].before(form);
    box.classList.add("asks"); // the slips that have an answer show only when they are met
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
